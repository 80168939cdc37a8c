import type { SessionEvent } from '../index.ts';
import { display } from '../policy/display.ts';
import { block, type View } from './block.ts';
import { createFrame } from './frame.ts';
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
  /** Both are seen on one screen, so that what comes beside must not stand in the middle of a line. */
  isOneScreen: boolean;
  /** Requests are shown by who asks about them. */
  isAsking: boolean;
  view: View;
}>;

/** A message of which a part may have been told. `stale` was shown before a retry, and may come once more. */
type Speaking = { readonly itemId: string; told: string; shown: number; stale: string };

/** Parts what happens in two: what the model says, while it says it, and all the rest, line by line. */
export function createExecOutput({ answer, beside, isOneScreen, isAsking, view }: ExecOutputOptions): ExecOutput {
  let speaking: Speaking | null = null;
  let messages = 0;
  let isInLine = false;

  const frame = isOneScreen ? createFrame(view.paint) : null;
  const say = (text: string) => {
    if (text === '') return;
    answer(frame === null ? display(text) : frame.put(display(text)));
    isInLine = !text.endsWith('\n');
  };
  const endLine = () => {
    if (isInLine) answer('\n');
    isInLine = false;
    frame?.end();
  };
  const note = (lines: readonly string[]) => {
    if (lines.length === 0) return;
    if (isOneScreen) endLine();
    beside(`${lines.join('\n')}\n`);
  };
  /** Shows of a message what is new in it, up to `end`. What comes a second time is not shown again. */
  const sayUpTo = (message: Speaking, end: number, isWhole = false) => {
    if (message.stale !== '') {
      if (message.told.startsWith(message.stale)) message.shown = message.stale.length;
      else if (!isWhole && message.stale.startsWith(message.told)) return;
      else endLine();
      message.stale = '';
    }
    if (end <= message.shown) return;
    if (message.shown === 0 && messages > 0) answer('\n');
    say(message.told.slice(message.shown, end));
    message.shown = end;
  };
  const finish = (itemId: string, text: string) => {
    const message = speaking?.itemId === itemId ? speaking : { itemId, told: '', shown: 0, stale: '' };
    speaking = null;
    if (!text.startsWith(message.told.slice(0, message.shown))) {
      endLine();
      message.shown = 0;
    }
    message.told = text;
    sayUpTo(message, text.length, true);
    endLine();
    if (text !== '') messages += 1;
  };

  return {
    note: (label, text) => note(block(label, [text], view.paint)),
    show(event) {
      // What sub-sessions say is no part of the conversation.
      const isOurs = event.path.length === 1;
      if (isOurs && event.type === 'item.started' && event.item.type === 'agent_message') {
        speaking = { itemId: event.item.id, told: '', shown: 0, stale: '' };
        return;
      }
      if (isOurs && event.type === 'item.completed' && event.item.type === 'agent_message') {
        return finish(event.item.id, event.item.text);
      }
      if (event.type === 'item.delta') {
        if (event.itemId !== speaking?.itemId) return;
        speaking.told += event.delta;
        return sayUpTo(speaking, speaking.told.length - (UNFINISHED.exec(speaking.told)?.[0].length ?? 0));
      }
      if ((event.type === 'request.opened' || event.type === 'request.shown') && isAsking) return;
      if (isOurs && event.type === 'stream.retrying' && speaking !== null) {
        const stale = speaking.stale || speaking.told.slice(0, speaking.shown);
        speaking = { ...speaking, told: '', shown: 0, stale };
      }
      note(render(event, view));
    },
  };
}

/** The beginning of something that is displayed otherwise when it is whole: half a character, or half an escape. */
const UNFINISHED = /(?:[\ud800-\udbff]|\\(?:x[0-9a-f]?|u(?:\{[0-9a-f]*)?)?)$/;
