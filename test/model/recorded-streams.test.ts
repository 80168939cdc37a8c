import { describe, expect, test } from 'vitest';
import type { StreamEnd } from '../../src/model/answer-stream.ts';
import { unreadableFault } from '../../src/model/faults.ts';
import type { ModelProgress } from '../../src/model/port.ts';
import { createResponsesStream } from '../../src/model/responses-stream.ts';
import { answersIn, finalOf, parsed, recordedStreams, saidBy } from './recordings.ts';

const files = recordedStreams('responses-sse');
const SPOILT = 'responses-sse/openai/parallel-tool-call-wrapper.1.chunks.txt';
const QUOTA = 'responses-sse/openai/openai-error.1.chunks.txt';
/** Its deltas say less than its items: it was shortened by hand. The items count. */
const SHORTENED = 'responses-sse/openai/openai-shell-container.1.chunks.txt';

function replay(lines: readonly string[]): { end: StreamEnd; progress: readonly ModelProgress[] } {
  const stream = createResponsesStream({ callIdPrefix: 'call_', where: 'a recording' });
  const progress = lines.flatMap((line) => {
    const event = parsed(line);
    if (event === null) stream.fail(unreadableFault('an event that is no JSON', 'a recording'));
    return stream.push(event);
  });
  return { end: stream.close(), progress };
}

describe.skipIf(files.length === 0)('recorded streams (skipped where ../shared/fixtures is absent)', () => {
  const whole = files.filter((file) => file !== SPOILT && file !== QUOTA);

  test('there are some', () => {
    expect(whole.length).toBeGreaterThan(20);
  });

  test.each(whole)('reads from %s what its final response says', (file) => {
    for (const lines of answersIn(file)) {
      const { end, progress } = replay(lines);
      expect(saidBy(end)).toEqual(finalOf(lines));
      if (file !== SHORTENED) expect(toldTexts(progress)).toEqual(completedTexts(progress));
    }
  });

  test.each(whole)('reads %s without its deltas, and without all but its end', (file) => {
    for (const lines of answersIn(file)) {
      expect(saidBy(replay(lines.filter((line) => !line.includes('.delta"'))).end)).toEqual(finalOf(lines));
      expect(saidBy(replay(lines.slice(-1)).end)).toEqual(finalOf(lines));
    }
  });

  test.each(whole)('does not take %s for an answer when its end is missing', (file) => {
    for (const lines of answersIn(file)) {
      expect(replay(lines.slice(0, -1)).end).toMatchObject({
        status: 'fault',
        fault: { error: { code: 'stream-cut', retryable: true } },
      });
    }
  });

  test('reports a recording whose JSON is broken', () => {
    const [lines = []] = answersIn(SPOILT);
    expect(replay(lines).end).toMatchObject({
      status: 'fault',
      fault: { error: { code: 'model-error', retryable: true } },
    });
  });

  test('reports a used-up quota, which no retry mends', () => {
    const [lines = []] = answersIn(QUOTA);
    expect(replay(lines).end).toMatchObject({
      status: 'fault',
      fault: { error: { code: 'rate-limited', retryable: false }, retriesMax: 0 },
    });
  });
});

/** The deltas of each message and reasoning that was completed, put together. */
function toldTexts(progress: readonly ModelProgress[]): readonly string[] {
  return finishedTexts(progress).map(({ index }) =>
    progress.map((told) => (told.type === 'output.delta' && told.index === index ? told.delta : '')).join(''),
  );
}

function completedTexts(progress: readonly ModelProgress[]): readonly string[] {
  return finishedTexts(progress).map(({ text }) => text);
}

function finishedTexts(progress: readonly ModelProgress[]): readonly { index: number; text: string }[] {
  return progress.flatMap((told) =>
    told.type === 'output.completed' && told.output.type !== 'call'
      ? [{ index: told.index, text: told.output.text }]
      : [],
  );
}
