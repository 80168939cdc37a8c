import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode, InspectionEvent } from 'xstate';

/** An actor whose chart is watched; any actor of XState is one. */
export type WatchedActor = Readonly<{
  sessionId: string;
  getSnapshot(): AnyMachineSnapshot;
  system: Readonly<{ inspect(observer: (event: InspectionEvent) => void): unknown }>;
}>;

/** How much of a chart has been walked, by actors that run. */
export interface ChartCoverage {
  /** Counts what this actor walks from here on, and where it stands. */
  watch(actor: WatchedActor): void;
  /** `missing` names states that nobody was in, and transitions that nobody took. */
  readonly found: Readonly<{ states: Share; transitions: Share; missing: readonly string[] }>;
  /** The same as one line. */
  readonly line: string;
}

export type Share = Readonly<{ walked: number; all: number }>;

/** Watches actors of a chart, of any that is made of it by `provide` as well. */
export function chartCoverage(chart: AnyStateMachine): ChartCoverage {
  const nodes = below(chart.root);
  const states = nodes.filter((node) => node !== chart.root).map(placeOf);
  const transitions = nodes.flatMap(edgesOf);
  const walked = new Set<string>();
  const note = ({ value }: AnyMachineSnapshot) => {
    for (const place of placesIn(value)) walked.add(place);
  };
  const found = () => {
    const missing = [...states, ...transitions].filter((name) => !walked.has(name));
    const share = (names: readonly string[]) => ({
      walked: names.filter((name) => walked.has(name)).length,
      all: names.length,
    });
    return { states: share(states), transitions: share(transitions), missing };
  };
  return {
    watch(actor) {
      note(actor.getSnapshot());
      actor.system.inspect((event) => {
        if (event.type !== '@xstate.microstep' || event.actorRef.sessionId !== actor.sessionId) return;
        note(event.snapshot as AnyMachineSnapshot); // Only machines take steps.
        for (const taken of event._transitions) walked.add(edgeName(taken.source, taken));
      });
    },
    get found() {
      return found();
    },
    get line() {
      const { states, transitions, missing } = found();
      const rest = missing.length === 0 ? '' : `; missing: ${missing.join(', ')}`;
      return `${chart.id}: ${states.walked} of ${states.all} states, ${transitions.walked} of ${transitions.all} transitions${rest}`;
    },
  };
}

type Edge = AnyMachineSnapshot['machine']['root']['on'][string][number];

function below(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(below)];
}

function placeOf(node: AnyStateNode): string {
  return node.path.join('.');
}

function edgesOf(node: AnyStateNode): string[] {
  const edges = [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
  return edges.map((edge) => edgeName(node, edge));
}

/** Names a transition by where it is written: its state, its event, and its place among those of the event. */
function edgeName(source: AnyStateNode, edge: Edge): string {
  const among = edge.eventType === '' ? source.always : source.transitions.get(edge.eventType);
  const place = among?.indexOf(edge) ?? 0;
  const to = edge.target?.map(placeOf).join(' and ') ?? 'stays';
  return `${placeOf(source) || '(root)'} ${edge.eventType || 'always'}${place > 0 ? ` #${place + 1}` : ''} → ${to}`;
}

function placesIn(value: unknown, above = ''): string[] {
  const prefix = above === '' ? '' : `${above}.`;
  if (typeof value === 'string') return [`${prefix}${value}`];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [`${prefix}${key}`, ...placesIn(inner, `${prefix}${key}`)]);
}
