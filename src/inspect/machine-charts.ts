import { type AnyStateMachine, StateMachine } from 'xstate';
import * as machines from '../../machines/index.ts';
import { type Chart, chartOf } from './chart.ts';

/** The charts of all machines that there are, by their ids. */
export function machineCharts(): ReadonlyMap<string, Chart> {
  const all: readonly AnyStateMachine[] = Object.values(machines).filter((value) => value instanceof StateMachine);
  return new Map(all.map((machine) => [machine.id, chartOf(machine)]));
}
