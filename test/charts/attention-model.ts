import type { Told } from './walk-model.ts';

export type AttentionEvent =
  | 'one is opened'
  | 'one that expires is opened'
  | 'the first is settled'
  | 'the last is closed below'
  | 'another is settled'
  | 'the first is counted'
  | 'a decision comes'
  | 'time passes';

/** What a session is asked for, as people see it. */
export type AttentionModel = Told &
  Readonly<{
    value: 'clear' | 'awaiting-decision';
    /** Oldest first. */
    open: readonly Readonly<{ id: string; expires: boolean }>[];
    opened: number;
  }>;

export const NOTHING_ASKED: AttentionModel = { told: ['opened'], value: 'clear', open: [], opened: 0 };

export function nextAttention(model: AttentionModel, event: AttentionEvent): AttentionModel {
  const { open, opened, told } = model;
  const [first] = open;
  const id = `r${opened + 1}`;
  switch (event) {
    case 'one is opened':
    case 'one that expires is opened':
      return kept(model, [...open, { id, expires: event !== 'one is opened' }], { opened: opened + 1 });
    case 'the first is settled':
      return kept(model, open.slice(1), { told: [...told, `settle ${first?.id}`] });
    case 'the last is closed below':
      return kept(model, open.slice(0, -1));
    case 'another is settled':
      return { ...model, told: [...told, 'settle unknown'] };
    case 'a decision comes':
      return { ...model, told: [...told, `decide ${first?.id}`] };
    case 'time passes': {
      const due = open.filter(({ expires }) => expires).map((one) => one.id);
      const left = open.filter(({ expires }) => !expires);
      return kept(model, left, {
        told: [...told, ...due.map((one) => `expire ${one}`), ...due.map((one) => `settle ${one}`)],
      });
    }
    default:
      return model;
  }
}

function kept(model: AttentionModel, open: AttentionModel['open'], more: Partial<AttentionModel> = {}): AttentionModel {
  return { ...model, ...more, open, value: open.length === 0 ? 'clear' : 'awaiting-decision' };
}
