import type { FaultDesk } from './faults.ts';
import type { ScriptedWire } from './scripted-wire.ts';
import type { SeededRng } from './seeded-rng.ts';
import type { SteppedClock } from './stepped-clock.ts';

/** How long a server takes at most to begin, and between two pieces, in ms; the seed picks one of each. */
const SLOWEST_MS = { connects: [0, 20, 400], sends: [0, 1, 5] };

export type SimulatedWireOptions = Readonly<{ clock: SteppedClock; rng: SeededRng; faults: FaultDesk }>;

/** The same server behind a connection that takes its time, and where things go wrong. */
export function simulatedWire(wire: ScriptedWire, { clock, rng, faults }: SimulatedWireOptions): ScriptedWire {
  const connects = rng.pace(SLOWEST_MS.connects);
  const sends = rng.pace(SLOWEST_MS.sends);
  return {
    ...wire,
    async fetch(input, init) {
      const signal = init?.signal ?? new AbortController().signal;
      const how = faults.begin('sockets', 'connect');
      if (how === 'power-cut') return faults.cut();
      if (how === 'hangs') await faults.hang('the headers of a server', signal);
      await clock.pass(connects(), 'the headers of a server', signal);
      signal.throwIfAborted();
      if (how === 'ECONNREFUSED' || how === 'ECONNRESET') throw broken(how);
      if (how !== null && how !== 'hangs') return refused(how);
      const response = await wire.fetch(input, init);
      const { body, status, headers } = response;
      if (body === null) return response;
      const pass = () => clock.pass(sends(), 'the next piece of a body', signal);
      return new Response(piecewise(body, { pass, signal, faults }), { status, headers });
    },
  };
}

type Passing = Readonly<{ pass(): Promise<void>; signal: AbortSignal; faults: FaultDesk }>;

/** The same bytes, each piece an operation. */
function piecewise(body: ReadableStream<Uint8Array>, { pass, signal, faults }: Passing): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await pass();
        const how = faults.begin('sockets', 'receive');
        if (how === 'power-cut') return faults.cut();
        if (how === 'hangs') await faults.hang('the next piece of a body', signal);
        if (how === 'ECONNRESET') throw broken(how);
        const { done, value } = await reader.read();
        if (done || how === 'ends') return controller.close();
        controller.enqueue(how === 'garbage' ? value.map((byte) => byte ^ 0xff) : value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function broken(code: 'ECONNREFUSED' | 'ECONNRESET'): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(`connect ${code}`), { code }) });
}

function refused(status: '429' | '500' | '503'): Response {
  const error = { type: 'server_error', code: status === '429' ? 'rate_limit_exceeded' : null, message: 'Not now.' };
  return Response.json({ error }, { status: Number(status) });
}
