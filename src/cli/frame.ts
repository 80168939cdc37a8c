import { cellsBeside, margin } from './block.ts';
import type { Paint } from './terminal.ts';
import { cellsOf, tabAt } from './wrap.ts';

/** Puts what the model says, as it comes, right of the bar: on one screen with requests it cannot pose as one of them. */
export type Frame = Readonly<{
  /** The text with its margins. */
  put(text: string): string;
  /** What comes next begins a message. */
  end(): void;
}>;

export function createFrame(paint: Paint): Frame {
  let isFirst = true;
  let isAtStart = true;
  let column = 0;

  const begin = () => {
    const shown = margin(isFirst ? 'agent' : '', paint, paint.strong);
    isFirst = false;
    isAtStart = false;
    column = 0;
    return `${shown} `;
  };
  const place = (character: string): string => {
    const cells = cellsBeside(paint);
    const width = cellsOf(character);
    const isFull = !isAtStart && cells !== null && column > 0 && column + width > cells;
    const before = isFull ? `\n${begin()}` : isAtStart ? begin() : '';
    column += width;
    return before + character;
  };
  return {
    put(text) {
      let shown = '';
      for (const character of text) {
        if (character === '\n') {
          shown += isAtStart ? `${begin().trimEnd()}\n` : '\n';
          isAtStart = true;
        } else if (character === '\t') for (const blank of tabAt(isAtStart ? 0 : column)) shown += place(blank);
        else shown += place(character);
      }
      return shown;
    },
    end() {
      isFirst = true;
      isAtStart = true;
    },
  };
}
