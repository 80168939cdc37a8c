// One measurement in a fresh process: `node --expose-gc bench/worker.ts SCENARIO PEER URL full|quick`. Prints its figures
// as JSON. Run it alone under `--cpu-prof` or `--heap-prof` to see where they come from.
import { get } from 'node:http';
import { MEASURES } from './measures.ts';
import { loadPeer, PEER_NAMES } from './peer.ts';
import { SCENARIOS } from './scenarios.ts';
import type { ServerState } from './server.ts';

const [, , scenarioName, peerName, serverURL = '', effort] = process.argv;
const scenario = SCENARIOS.find(({ name }) => name === scenarioName);
const name = PEER_NAMES.find((known) => known === peerName);
const measure = MEASURES[scenarioName ?? ''];
if (scenario === undefined || name === undefined || measure === undefined) {
  throw new Error(`Expected a scenario and a peer, got "${scenarioName}" and "${peerName}".`);
}
const peer = await loadPeer(name, `${serverURL}/v1`);
const figures = await measure({
  name,
  peer,
  size: effort === 'quick' ? scenario.quick : scenario.size,
  serverURL,
  serverState,
});
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0)); // Connections are kept alive otherwise.

/** Asked without the client that is being measured. */
function serverState(): Promise<ServerState> {
  return new Promise((resolve, reject) => {
    get(`${serverURL}/state`, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => resolve(JSON.parse(text)));
    }).on('error', reject);
  });
}
