import type { Agent } from 'node:http';
import { nodeHttp } from './node-http.ts';

/** How long a connection is kept that nobody uses; shorter where the server says so. */
export const IDLE_CONNECTION_MS = 60_000;

type Env = Readonly<Record<string, string | undefined>>;

/** Keeps connections, for http and for https; makes each agent when it is first asked for, so that a bad proxy throws there. */
export function createAgents(env: Env): (protocol: string) => Agent {
  // Without a timeout, Node would also pass over the one that the server announces.
  const options = { keepAlive: true, timeout: IDLE_CONNECTION_MS, ...proxiesOf(env) };
  let plain: Agent | null = null;
  let secure: Agent | null = null;
  return (protocol) => {
    if (protocol === 'https:') {
      // Loaded where it is needed: TLS is most of what it costs to start.
      secure ??= new (process.getBuiltinModule('node:https').Agent)(options);
      return secure;
    }
    plain ??= new (nodeHttp().Agent)(options);
    return plain;
  };
}

/** The proxies of the environment, for a Node that knows `proxyEnv` (22.21, 24.5); no proxy can reach this machine. */
function proxiesOf(env: Env) {
  const httpProxy = env.http_proxy || env.HTTP_PROXY;
  const httpsProxy = env.https_proxy || env.HTTPS_PROXY;
  if (!httpProxy && !httpsProxy) return {};
  const direct = [env.no_proxy || env.NO_PROXY, ...THIS_MACHINE].filter(Boolean).join(',');
  return { proxyEnv: { http_proxy: httpProxy, https_proxy: httpsProxy, no_proxy: direct } };
}

const THIS_MACHINE = ['localhost', '127.0.0.0-127.255.255.255', '::1'];
