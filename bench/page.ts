import { setTimeout as sleep } from 'node:timers/promises';
import { createSession, type Model, type Session } from '../src/index.ts';
import { type PageInspector, pageInspector } from '../src/inspect/index.ts';
import type { Bench, Figures } from './measures.ts';

/** Sessions that speak at once, and how often each does. Together 10,000 events a second. */
const SESSIONS = 100;
const TICK_MS = 10;

type Run = Readonly<{ wallMs: number; cpuMs: number; lateMs: number; events: number; heapMb: number }>;

/**
 * What a page costs the program that it shows, and how it fares itself, while a hundred sessions speak for as many ticks as `size` says:
 * the same work without an inspector, with one and no page open, and with a page open in a browser.
 */
export async function measurePage({ size }: Bench): Promise<Figures> {
  await speak(Math.min(size.count, size.warmUp), null);
  const without = await speak(size.count, null);
  const inspector = pageInspector({ announce: () => {} });
  const { url } = await inspector.served;
  const attached = await speak(size.count, inspector);
  // Only who measures this pays for the browser's library.
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(url);
    await page.evaluate(FRAME_COUNTER);
    const open = await speak(size.count, inspector);
    // It answers a person while all that goes on.
    const startedAt = performance.now();
    await page.getByRole('tree').waitFor();
    const answerMs = performance.now() - startedAt;
    const seen = await page.evaluate<{ draws: number[]; gaps: number[]; heapMb: number }>(FRAMES);
    return {
      withoutCpuMs: without.cpuMs,
      attachedCpu: attached.cpuMs / without.cpuMs,
      openCpu: open.cpuMs / without.cpuMs,
      openWall: open.wallMs / without.wallMs,
      perSecond: (open.events / open.wallMs) * 1_000,
      lateMs: open.lateMs,
      drawMs: at(seen.draws, 0.5),
      slowDrawMs: at(seen.draws, 0.95),
      frameGapMs: at(seen.gaps, 0.95),
      pageHeapMb: seen.heapMb,
      heapMb: open.heapMb,
      answerMs,
    };
  } finally {
    await browser.close();
    await inspector.close();
  }
}

/** Runs the sessions; each tells one delta a tick. */
async function speak(ticks: number, inspector: PageInspector | null): Promise<Run> {
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  let lateMs = 0;
  let events = 0;
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const model = ticking(ticks, (late) => {
    lateMs = Math.max(lateMs, late);
  });
  const sessions = Array.from({ length: SESSIONS }, (): Session => {
    const session = createSession({
      model,
      rollout: 'off',
      checkpoints: 'off',
      projectInstructions: false,
      ...(inspector === null ? {} : { inspect: inspector }),
    });
    session.events$.subscribe(() => {
      events += 1;
    });
    return session;
  });
  await Promise.all(sessions.map((session) => session.run('Speak.').outcome));
  const wallMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  globalThis.gc?.();
  const heapMb = (process.memoryUsage().heapUsed - heapBefore) / 1_048_576;
  await Promise.all(sessions.map((session) => session.close()));
  return { wallMs, cpuMs: (user + system) / 1_000, lateMs, events, heapMb };
}

function ticking(ticks: number, onLate: (ms: number) => void): Model {
  return {
    name: 'ticking',
    provider: 'bench',
    contextWindow: null,
    async sample(_request, onProgress) {
      onProgress({ type: 'output.started', index: 0, output: 'message' });
      const startedAt = performance.now();
      for (let tick = 1; tick <= ticks; tick += 1) {
        const wait = startedAt + tick * TICK_MS - performance.now();
        if (wait > 0) await sleep(wait);
        onLate(performance.now() - startedAt - tick * TICK_MS);
        onProgress({ type: 'output.delta', index: 0, delta: 'word ' });
      }
      const output = { type: 'message', text: 'word '.repeat(ticks) } as const;
      onProgress({ type: 'output.completed', index: 0, output });
      return { status: 'completed', outputs: [output], usage: null };
    },
  };
}

const FRAME_COUNTER = `{
  let last = performance.now();
  window.frameGaps = [];
  window.troupeDrawTimes.length = 0;
  const next = () => {
    const now = performance.now();
    window.frameGaps.push(now - last);
    last = now;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}`;
const FRAMES = `({ draws: window.troupeDrawTimes, gaps: window.frameGaps, heapMb: performance.memory.usedJSHeapSize / 1048576 })`;

function at(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
