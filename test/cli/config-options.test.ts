import { describe, expect, it } from 'vitest';
import { readConfigOptions } from '../../src/cli/config-options.ts';

describe('--config', () => {
  it('sets what Codex knows by the same names; the last one of a key wins', () => {
    const options = [
      'openai_base_url="http://one/v1"',
      'model="m"',
      'model_reasoning_effort="high"',
      'approval_policy="never"',
      'sandbox_mode="read-only"',
      'sandbox_workspace_write.network_access=true',
      'sandbox_workspace_write.writable_roots=["/a", "b"]',
      'openai_base_url="http://two/v1?a=b"',
    ];
    expect(readConfigOptions(options)).toEqual({
      settings: {
        baseURL: 'http://two/v1?a=b',
        model: 'm',
        effort: 'high',
        approvalPolicy: 'never',
        sandbox: 'read-only',
        network: true,
        writableRoots: ['/a', 'b'],
      },
      notes: [],
    });
  });

  it('takes a value without quotes as text', () => {
    expect(readConfigOptions([' model = qwen3:8b '])).toEqual({ settings: { model: 'qwen3:8b' }, notes: [] });
  });

  it('says what has no effect, and what is treated as something else', () => {
    const options = [
      'features.unified={}',
      'nonsense',
      'approval_policy="on-failure"',
      'model_reasoning_effort="xhigh"',
      'web_search="live"',
    ];
    expect(readConfigOptions(options)).toEqual({
      settings: { approvalPolicy: 'on-request', effort: 'high' },
      notes: [
        '--config nonsense: expected key=value, so it has no effect.',
        '--config features.unified: not known here, so it has no effect.',
        '--config approval_policy: on-failure is treated as on-request.',
        '--config model_reasoning_effort: xhigh is treated as high.',
        '--config web_search: not available: there is no web search yet.',
      ],
    });
    expect(readConfigOptions(['web_search="disabled"'])).toEqual({ settings: {}, notes: [] });
  });

  it.each([
    [
      'approval_policy="sometimes"',
      'Expected --config approval_policy to be untrusted, on-request or never, got sometimes.',
    ],
    ['model=3', 'Expected --config model to be a text, got 3.'],
    ['sandbox_workspace_write.network_access="yes"', 'network_access to be true or false, got yes.'],
    ['sandbox_workspace_write.writable_roots="/a"', 'writable_roots to be a list of directories, got /a.'],
    ['sandbox_workspace_write.writable_roots=[3]', 'writable_roots to be a text, got 3.'],
    ['sandbox_mode=[]', 'read-only, workspace-write or danger-full-access, got [].'],
    ['model_reasoning_effort="much"', 'minimal, low, medium or high, got much.'],
  ])('refuses a wrong value: %s', (option, message) => {
    expect(() => readConfigOptions([option])).toThrow(expect.objectContaining({ code: 'invalid-config' }));
    expect(() => readConfigOptions([option])).toThrow(message);
  });
});
