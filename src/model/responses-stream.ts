import type { AnswerStream } from './answer-stream.ts';
import {
  complete,
  createOutputs,
  finishText,
  finishTold,
  isOpen,
  NOTHING,
  type Place,
  type Slot,
  say,
  sayWhole,
  started,
} from './outputs.ts';
import type { ModelProgress } from './port.ts';
import { isOutputOf, itemArguments, itemText, outputType, responseUsage } from './responses-items.ts';
import { createStreamEnding, ITEM_LEVELS_MAX, OUTPUTS_MAX } from './stream-ending.ts';
import { type Fields, fieldsOf, isDeeperThan, isFields, listOf, textOf } from './wire-values.ts';

/**
 * Reads the events of one streamed answer of the Responses API. Outputs are numbered in the order in which they begin;
 * items of kinds that were not asked for are passed over. Servers differ, so nothing is taken for granted but this: an
 * answer is whole only when the server says so, and a call has arguments only when its item is finished.
 * `callIdPrefix` begins the ids of calls to which the server gave none; `where` is the base URL, for messages.
 */
export function createResponsesStream(options: { callIdPrefix: string; where: string }): AnswerStream {
  const outputs = createOutputs();
  const ending = createStreamEnding(options.where);
  let responseId: string | null = null;
  let events = 0;

  function read(event: Fields): readonly ModelProgress[] {
    switch (event.type) {
      case 'response.created':
      case 'response.in_progress':
        responseId ??= textOf(fieldsOf(event.response).id);
        return NOTHING;
      case 'response.output_item.added':
        return isFields(event.item) ? itemAdded(event, event.item) : spoil(`${event.type} without an item`);
      case 'response.output_item.done':
        return isFields(event.item) ? itemDone(event, event.item) : spoil(`${event.type} without an item`);
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        return textDelta(event, 'message', `content ${event.content_index}`);
      case 'response.output_text.done':
        return textDone(event, 'message', `content ${event.content_index}`, event.text);
      case 'response.refusal.done':
        return textDone(event, 'message', `content ${event.content_index}`, event.refusal);
      case 'response.reasoning_summary_text.delta':
        return textDelta(event, 'reasoning', `summary ${event.summary_index}`);
      case 'response.reasoning_summary_text.done':
        return textDone(event, 'reasoning', `summary ${event.summary_index}`, event.text);
      case 'response.reasoning_text.delta':
        return textDelta(event, 'reasoning', `content ${event.content_index}`);
      case 'response.reasoning_text.done':
        return textDone(event, 'reasoning', `content ${event.content_index}`, event.text);
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        ending.count(textOf(event.delta)?.length ?? 0);
        return NOTHING;
      case 'response.function_call_arguments.done':
      case 'response.custom_tool_call_input.done':
        return argumentsDone(event);
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        return responseEnded(fieldsOf(event.response), event.type.slice('response.'.length));
      default:
        if (event.type === 'error' || (event.type === undefined && event.error !== undefined)) {
          ending.fail(ending.faultIn(event));
        }
        return NOTHING;
    }
  }

  function itemAdded(event: Fields, item: Fields): readonly ModelProgress[] {
    const type = outputType(item);
    if (type === null) return NOTHING;
    const place = placeOf(event, item);
    const known = outputs.find(place);
    if (known?.type === type && isOpen(known) && (!known.announced || known.id === place.id)) {
      known.announced = true;
      return NOTHING;
    }
    const slot = open(type, place);
    slot.announced = true;
    return [started(slot)];
  }

  function itemDone(event: Fields, item: Fields): readonly ModelProgress[] {
    const type = outputType(item);
    if (type === null) return NOTHING;
    const place = placeOf(event, item);
    const known = outputs.find(place) ?? (isNowhere(place) ? firstOpen(type) : undefined);
    if (known?.type === type && isOpen(known)) return finish(known, item);
    if (known?.type === type && (known.id === null ? isSlotOf(known, item) : known.id === place.id)) return NOTHING;
    return finishNew(type, place, item);
  }

  function textDelta(event: Fields, type: 'message' | 'reasoning', part: string): readonly ModelProgress[] {
    const { delta } = event;
    if (delta === undefined || delta === null) return NOTHING;
    if (typeof delta !== 'string') return spoil(`${event.type} with a delta that is no text`);
    ending.count(delta.length);
    return inText(event, type, (slot) => say(slot, part, delta));
  }

  function textDone(
    event: Fields,
    type: 'message' | 'reasoning',
    part: string,
    text: unknown,
  ): readonly ModelProgress[] {
    if (typeof text !== 'string' || text === '') return NOTHING;
    return inText(event, type, (slot) => sayWhole(slot, part, text));
  }

  /** Servers may send a delta before they announce its item; what comes after the item is finished says nothing new. */
  function inText(event: Fields, type: Slot['type'], tell: (slot: Slot) => readonly ModelProgress[]) {
    const place = placeOf(event, {});
    const known = outputs.find(place) ?? (isNowhere(place) ? outputs.slots.findLast(isOpen) : undefined);
    if (known !== undefined) return known.type === type && isOpen(known) ? tell(known) : NOTHING;
    const slot = open(type, place);
    return [started(slot), ...tell(slot)];
  }

  function argumentsDone(event: Fields): readonly ModelProgress[] {
    const slot = outputs.find(placeOf(event, {}));
    if (slot !== undefined) slot.argumentsDone = textOf(event.arguments) ?? textOf(event.input);
    return NOTHING;
  }

  function finishNew(type: Slot['type'], place: Place, item: Fields): readonly ModelProgress[] {
    const slot = open(type, place);
    return [started(slot), ...finish(slot, item)];
  }

  function finish(slot: Slot, item: Fields): readonly ModelProgress[] {
    if (isDeeperThan(item, ITEM_LEVELS_MAX)) return spoil(`an item nested deeper than ${ITEM_LEVELS_MAX} levels`);
    slot.id = textOf(item.id) ?? slot.id;
    if (slot.type === 'call') return finishCall(slot, item);
    const text = itemText(item);
    ending.count(Math.max(0, text.length - slot.told.length));
    return text === '' ? finishTold(slot, slot.type, item) : finishText(slot, slot.type, text, item);
  }

  function finishCall(slot: Slot, item: Fields): readonly ModelProgress[] {
    slot.cut = item.status === 'incomplete';
    if (slot.cut) return NOTHING;
    const name = textOf(item.name)?.toWellFormed();
    if (!name) return spoil('a tool call without a name');
    const custom = item.type === 'custom_tool_call';
    const response = responseId === null ? '' : `${responseId}_`;
    const callId = textOf(item.call_id)?.toWellFormed() || `${options.callIdPrefix}${response}${slot.index}`;
    const text = itemArguments(item) || slot.argumentsDone?.toWellFormed() || '';
    ending.count(text.length);
    const raw = { ...item, call_id: callId, [custom ? 'input' : 'arguments']: text };
    return [complete(slot, { type: 'call', callId, name, arguments: text, ...(custom ? { custom } : {}), raw })];
  }

  function responseEnded(response: Fields, said: string): readonly ModelProgress[] {
    const status = ['completed', 'incomplete', 'failed'].find((word) => word === response.status) ?? said;
    responseId ??= textOf(response.id);
    const usage = responseUsage(response.usage);
    if (status === 'failed') {
      ending.fail(ending.faultIn({ error: response.error ?? response.incomplete_details }), usage);
      return NOTHING;
    }
    const progress = [...missedItems(listOf(response.output).slice(0, OUTPUTS_MAX)), ...unfinishedTexts()];
    if (outputs.slots.some((slot) => slot.type === 'call' && isOpen(slot)) && status === 'completed') {
      spoil('the end of an answer in which a tool call was not finished');
    }
    const reason = textOf(fieldsOf(response.incomplete_details).reason);
    const whole = outputs.slots.flatMap((slot) => slot.output ?? []);
    if (status === 'incomplete') {
      ending.end({ status: 'incomplete', reason: reason ?? 'not said', outputs: whole, usage });
    } else if (outputs.slots.some((slot) => slot.type === 'call' && slot.cut)) {
      ending.end({ status: 'incomplete', reason: reason ?? 'a tool call was cut short', outputs: whole, usage });
    } else ending.end({ status: 'completed', outputs: whole, usage });
    return progress;
  }

  /** Items of the final response for which the stream had no event of their own. */
  function missedItems(items: readonly unknown[]): readonly ModelProgress[] {
    const seen = new Set<Slot>();
    const missed = items.filter(isFields).filter((item) => {
      const slot = outputs.slots.find((candidate) => !seen.has(candidate) && isSlotOf(candidate, item));
      if (slot !== undefined) seen.add(slot);
      return slot === undefined;
    });
    return missed.flatMap((item) => {
      const type = outputType(item);
      if (type === null) return NOTHING;
      const begun = firstOpen(type);
      return begun === undefined ? finishNew(type, placeOf({}, item), item) : finish(begun, item);
    });
  }

  function unfinishedTexts(): readonly ModelProgress[] {
    return outputs.slots.flatMap((slot) => {
      if (!isOpen(slot) || slot.type === 'call') return NOTHING;
      slot.cut = slot.partText === '';
      return slot.cut ? NOTHING : finishTold(slot, slot.type, null);
    });
  }

  function firstOpen(type: Slot['type']): Slot | undefined {
    return outputs.slots.find((slot) => slot.type === type && isOpen(slot));
  }

  function open(type: Slot['type'], place: Place): Slot {
    ending.countOutput();
    return outputs.open(type, place);
  }

  function spoil(what: string): readonly ModelProgress[] {
    ending.spoil(what);
    return NOTHING;
  }

  return {
    push(event) {
      if (ending.ended() !== null) return NOTHING;
      events += 1;
      return isFields(event) ? read(event) : spoil('an event that is no object');
    },
    done: () => undefined,
    fail: (fault) => ending.fail(fault),
    isWhole: () => ending.ended() !== null,
    ended: ending.ended,
    close: () => ending.cut(events),
  };
}

function placeOf(event: Fields, item: Fields): Place {
  return {
    position: typeof event.output_index === 'number' ? event.output_index : null,
    id: textOf(item.id) ?? textOf(event.item_id),
  };
}

function isNowhere(place: Place): boolean {
  return place.position === null && place.id === null;
}

function isSlotOf(slot: Slot, item: Fields): boolean {
  if (isOpen(slot) || slot.type !== outputType(item)) return false;
  return slot.output === null || (slot.id !== null && slot.id === item.id) || isOutputOf(slot.output, item);
}
