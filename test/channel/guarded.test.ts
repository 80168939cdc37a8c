import { from, lastValueFrom, map, Observable, of, Subject, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { guarded } from '../../src/channel/guarded.ts';

/** A stream with its guard, and what was reported. */
function stageStream() {
  const source = new Subject<number>();
  const reported: unknown[] = [];
  return { source, reported, stream: guarded(source.asObservable(), (error) => void reported.push(error)) };
}

const BROKE = new Error('The subscriber broke.');

describe('a guarded stream', () => {
  it('tells a function, and an observer with its end', () => {
    const { source, stream } = stageStream();
    const told: unknown[] = [];
    stream.subscribe((value) => void told.push(value));
    stream.subscribe({ next: (value) => void told.push(value * 10), complete: () => void told.push('complete') });
    stream.subscribe({});
    source.next(1);
    source.complete();
    expect(told).toEqual([1, 10, 'complete']);
  });

  it('tells an observer of an error of the source', () => {
    const { source, stream, reported } = stageStream();
    const told: unknown[] = [];
    stream.subscribe({ error: (error) => void told.push(error) });
    source.error(BROKE);
    expect([told, reported]).toEqual([[BROKE], []]);
  });

  it('lets go of a subscriber that throws, reports it once, and goes on for the others', () => {
    const { source, stream, reported } = stageStream();
    const told: string[] = [];
    stream.subscribe((value) => void told.push(`before ${value}`));
    stream.subscribe((value) => {
      told.push(`throws ${value}`);
      throw BROKE;
    });
    stream.subscribe((value) => void told.push(`after ${value}`));
    source.next(1);
    source.next(2);
    expect(told).toEqual(['before 1', 'throws 1', 'after 1', 'before 2', 'after 2']);
    expect(reported).toEqual([BROKE]);
  });

  it('reports a subscriber that throws at the end, or at an error', () => {
    const [ends, fails] = [stageStream(), stageStream()];
    const thrower = () => {
      throw BROKE;
    };
    ends.stream.subscribe({ complete: thrower });
    fails.stream.subscribe({ error: thrower });
    ends.source.complete();
    fails.source.error('It failed.');
    expect([ends.reported, fails.reported]).toEqual([[BROKE], [BROKE]]);
  });

  it('lets go of a subscriber that throws while it subscribes', () => {
    const reported: unknown[] = [];
    const told: number[] = [];
    const stream = guarded(of(1, 2, 3), (error) => void reported.push(error));
    stream.subscribe((value) => {
      told.push(value);
      throw BROKE;
    });
    expect([told, reported]).toEqual([[1], [BROKE]]);
  });

  it('may be left at any time, also from within the callback', () => {
    const { source, stream, reported } = stageStream();
    const told: string[] = [];
    const following = stream.subscribe((value) => {
      told.push(`first ${value}`);
      following.unsubscribe();
    });
    stream.subscribe((value) => void told.push(`second ${value}`));
    source.next(1);
    source.next(2);
    expect([told, reported]).toEqual([['first 1', 'second 1', 'second 2'], []]);
  });

  it('leaves the source when it is left, and when its subscriber has thrown', () => {
    const { source, stream } = stageStream();
    const following = stream.subscribe(() => {});
    stream.subscribe(() => {
      throw BROKE;
    });
    const seen = [source.observed];
    following.unsubscribe();
    source.next(1);
    seen.push(source.observed);
    expect(seen).toEqual([true, false]);
  });
});

describe('a guarded stream and RxJS', () => {
  it('is taken by from() as it is', async () => {
    const { source, stream } = stageStream();
    const collected = lastValueFrom(from(stream).pipe(toArray()));
    for (const value of [1, 2, 3]) source.next(value);
    source.complete();
    expect(await collected).toEqual([1, 2, 3]);
  });

  it('pipes', async () => {
    const { source, stream } = stageStream();
    const collected = lastValueFrom(
      stream.pipe(
        map((value) => value * 2),
        toArray(),
      ),
    );
    for (const value of [1, 2, 3]) source.next(value);
    source.complete();
    expect(await collected).toEqual([2, 4, 6]);
    expect(stream.pipe(map((value) => value))).toBeInstanceOf(Observable);
  });

  it('leaves the source when what was piped is left', () => {
    const { source, stream } = stageStream();
    const following = stream.pipe(map((value) => value)).subscribe();
    const seen = [source.observed];
    following.unsubscribe();
    seen.push(source.observed);
    expect(seen).toEqual([true, false]);
  });
});
