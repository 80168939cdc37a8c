import type { SessionEvent } from '../index.ts';
import { display } from '../policy/display.ts';
import { block, type View } from './block.ts';
import { render } from './render.ts';

export type ExecOutput = Readonly<{
  show(event: SessionEvent): void;
  /** Says something of our own beside the conversation. */
  note(label: string, text: string): void;
}>;

export type ExecOutputOptions = Readonly<{
  /** The conversation goes here. */
  answer(text: string): void;
  /** Everything else goes here. */
  beside(text: string): void;
  /** Somebody watches both at once: what the model says is shown while it says it. Else each message when it is whole. */
  live: boolean;
  /** Requests are shown by who asks about them. */
  isAsking: boolean;
  view: View;
}>;

/**
 * Parts what happens in two: what the model says, and all the rest. A message of which a part was shown may begin again
 * after the connection broke; where nobody watches, only whole messages are written, so that a file holds each once.
 */
export function createExecOutput({ answer, beside, live, isAsking, view }: ExecOutputOptions): ExecOutput {
  let speaking: { itemId: string; told: string; shown: number } | null = null;
  let messages = 0;

  const note = (lines: readonly string[]) => {
    if (lines.length === 0) return;
    breakLine();
    beside(`${lines.join('\n')}\n`);
  };
  /** What comes beside begins on a line of its own; the message goes on below. */
  const breakLine = () => {
    if (speaking !== null && speaking.shown > 0 && !speaking.told.slice(0, speaking.shown).endsWith('\n')) answer('\n');
  };
  const tell = (text: string) => {
    if (speaking === null) return;
    if (speaking.told === '' && messages > 0) answer('\n');
    speaking.told += text;
    const end = speaking.told.length - (UNFINISHED.exec(speaking.told)?.[0].length ?? 0);
    answer(display(speaking.told.slice(speaking.shown, Math.max(end, speaking.shown))));
    speaking.shown = Math.max(end, speaking.shown);
  };
  const finish = (itemId: string, text: string) => {
    const told = speaking?.itemId === itemId ? speaking : null;
    const isContinued = told !== null && told.shown > 0 && text.startsWith(told.told.slice(0, told.shown));
    if (!isContinued) {
      breakLine();
      if (messages > 0) answer('\n');
    }
    const rest = isContinued ? text.slice(told.shown) : text;
    answer(`${display(rest)}${text.endsWith('\n') ? '' : '\n'}`);
    messages += 1;
    speaking = null;
  };

  return {
    note: (label, text) => note(block(label, [text], view.paint)),
    show(event) {
      // What sub-sessions say is no part of the conversation.
      const isOurs = event.path.length === 1;
      if (isOurs && event.type === 'item.started' && event.item.type === 'agent_message') {
        if (live) speaking = { itemId: event.item.id, told: '', shown: 0 };
        return;
      }
      if (isOurs && event.type === 'item.completed' && event.item.type === 'agent_message') {
        if (event.item.text !== '') finish(event.item.id, event.item.text);
        return;
      }
      if (event.type === 'item.delta') {
        if (event.itemId === speaking?.itemId) tell(event.delta);
        return;
      }
      if (event.type === 'request.opened' && isAsking) return;
      note(render(event, view));
      if (isOurs && event.type === 'stream.retrying' && speaking !== null)
        speaking = { ...speaking, told: '', shown: 0 };
    },
  };
}

/** The beginning of something that is displayed otherwise when it is whole: half a character, or half an escape. */
const UNFINISHED = /(?:[\ud800-\udbff]|\\(?:x[0-9a-f]?|u(?:\{[0-9a-f]*)?)?)$/;
