import type { ChartInvoke } from './chart.ts';

/** An event as a chart says it: XState's own in the words of the config that they come from. */
export function eventWords(event: string, invokes: readonly ChartInvoke[]): string {
  if (event === '') return 'always';
  if (event.startsWith('xstate.done.state.')) return 'done';
  const delay = /^xstate\.after\.([^.]+)/.exec(event)?.[1];
  if (delay !== undefined) return `after ${delay}`;
  const [, what, actor] = /^xstate\.(done\.actor|error\.actor|snapshot)\.(.+)$/.exec(event) ?? [];
  if (what === undefined || actor === undefined) return event;
  const name = invokes.find(({ id }) => id === actor)?.src ?? actor;
  return `${what.replace('.actor', '')}(${name})`;
}
