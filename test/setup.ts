import { afterEach, beforeEach, expect, vi } from 'vitest';

// XState warns when an event is sent to an actor that has stopped. Nothing of ours may do that: a late message is
// dropped and counted where it is handled, so a warning is a failing test.
const warnings: string[] = [];

beforeEach(() => {
  warnings.length = 0;
  vi.spyOn(console, 'warn').mockImplementation((...args: unknown[]) => {
    warnings.push(args.map(String).join(' '));
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  expect(warnings.filter((text) => text.includes('stopped actor'))).toEqual([]);
});
