import type { InspectionEvent } from 'xstate';
import type { EventStream } from '../channel/guarded.ts';
import { messageOf } from '../protocol/errors.ts';
import type { SessionEvent } from '../protocol/events.ts';
import type { Session } from '../session/handle.ts';
import { createLiveSource } from './live-source.ts';
import type { PageServer } from './page-server.ts';

export type PageInspectorOptions = Readonly<{
  /** 0, when left out: whichever is free. */
  port?: number;
  /** Given the address of the page once it is served; when left out, that is written to standard error. */
  announce?: (url: string) => void;
  /**
   * `when-open` (when left out): as long as no page is open, requests are put to nobody because of it. `always`: they wait for
   * somebody to open the page.
   */
  decides?: 'when-open' | 'always';
  title?: string;
}>;

/** An inspector for `createSession({ inspect })` that serves a page of all sessions it is given. */
export interface PageInspector {
  readonly inspect: (event: InspectionEvent) => void;
  attach(session: Session, told$: EventStream<SessionEvent>): void;
  /** Where the page is, and where XState programs connect. Rejects when it cannot be served. */
  readonly served: Promise<Readonly<{ url: string; inspectorUrl: string }>>;
  close(): Promise<void>;
}

/** Serves a page on 127.0.0.1 that shows sessions as they run, and from which they are answered and stopped. */
export function pageInspector({
  port,
  announce,
  decides = 'when-open',
  title = 'Troupe',
}: PageInspectorOptions = {}): PageInspector {
  const source = createLiveSource({ now: Date.now, mode: 'live', title });
  if (decides === 'always') source.listen();
  let open = 0;
  let pages = 0;
  // Who may have to decide keeps the program alive as long as there is something that could be asked.
  const hold = () => {
    const isHeld = open > 0 && (decides === 'always' || pages > 0);
    serving.then(
      (server) => server.hold(isHeld),
      () => {},
    );
  };
  const serving = serve();
  serving.catch(() => {}); // Told to who asks, and announced below.

  async function serve(): Promise<PageServer> {
    // Only who wants a page pays for what serves one.
    const { servePage } = await import('./page-server.ts');
    return servePage({
      ...(port === undefined ? {} : { port }),
      open: async () => source,
      onPage() {
        const leave = source.listen();
        pages += 1;
        hold();
        return () => {
          leave();
          pages -= 1;
          hold();
        };
      },
      onProgram: () => source.connect(),
    });
  }
  const tell = announce ?? ((text: string) => void process.stderr.write(`The page of this program: ${text}\n`));
  serving.then(
    ({ url }) => tell(url),
    (error: unknown) => void process.stderr.write(`The page of this program cannot be served: ${messageOf(error)}\n`),
  );

  const served = serving.then(({ url, inspectorUrl }) => ({ url, inspectorUrl }));
  served.catch(() => {}); // Likewise.
  return {
    inspect: source.inspect,
    attach(session, told$) {
      source.attach(session, told$);
      open += 1;
      hold();
      told$.subscribe({
        complete() {
          open -= 1;
          hold();
        },
      });
    },
    served,
    async close() {
      await (await serving).close();
    },
  };
}
