import type { Bench, Figures } from './measures.ts';
import type { NestingWay } from './peer.ts';

/** How many conversations there are below the root. */
export const DEPTHS = [1, 3, 8] as const;

/**
 * CPU of a run in which conversations nest so deep, each of a step that calls the next and one that says what it came to;
 * the last one wants to call a tool that has to be approved, and is answered at the root. Both peers do exactly that:
 * other numbers of model requests or approvals are an error.
 */
export async function measureNestedRequests({ peer, size, serverState }: Bench, way: NestingWay): Promise<Figures> {
  const figures: Record<string, number> = {};
  for (const depth of DEPTHS) {
    const runs = async (count: number) => {
      const before = await serverState();
      const start = process.cpuUsage();
      let asked = 0;
      for (let done = 0; done < count; done += 1) asked += await peer.nest(depth, way);
      const { user, system } = process.cpuUsage(start);
      const requests = (await serverState()).requests - before.requests;
      const wanted = 2 * (depth + 1) * count;
      if (requests !== wanted || asked !== count) {
        throw new Error(`Expected ${wanted} model requests and ${count} approvals, got ${requests} and ${asked}.`);
      }
      return (user + system) / 1_000 / count;
    };
    await runs(size.warmUp);
    figures[`depth${depth}CpuMs`] = await runs(size.count);
  }
  return figures;
}
