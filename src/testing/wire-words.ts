import type { Effort } from '../protocol/settings.ts';

/** The status and the code with which OpenAI says what the script means. */
export function httpError(code: string, retryable: boolean): { status: number; error: string } {
  switch (code) {
    case 'unauthorized':
      return { status: 401, error: 'invalid_api_key' };
    case 'rate-limited':
      return { status: 429, error: retryable ? 'rate_limit_exceeded' : 'insufficient_quota' };
    case 'context-window-exceeded':
      return { status: 400, error: 'context_length_exceeded' };
    case 'model-refused':
      return { status: 400, error: 'content_policy_violation' };
    default:
      return retryable ? { status: 500, error: 'server_error' } : { status: 400, error: 'invalid_request_error' };
  }
}

export function effortOf(value: unknown): Effort | undefined {
  return EFFORTS.find((word) => word === value);
}

const EFFORTS: readonly Effort[] = ['minimal', 'low', 'medium', 'high'];
