import type { InteropObservable, Observer, Unsubscribable } from 'rxjs';
// These by their own files, because the whole library takes longer to load than all else that a start needs.
import { Observable } from 'rxjs/internal/Observable';
import { Subscription } from 'rxjs/internal/Subscription';

/** A stream for callers. RxJS takes it as it is (`from(session.events$)`), and `pipe` does that. */
export interface EventStream<T> extends InteropObservable<T> {
  subscribe(observer: Partial<Observer<T>> | ((value: T) => void)): Unsubscribable;
  readonly pipe: Observable<T>['pipe'];
}

/** Shields a stream from its subscribers: one that throws is let go of and reported; the others notice nothing. */
export function guarded<T>(source: Observable<T>, report: (error: unknown) => void): EventStream<T> {
  const stream: EventStream<T> = {
    subscribe(observerOrNext) {
      const observer = typeof observerOrNext === 'function' ? { next: observerOrNext } : observerOrNext;
      const subscription = new Subscription();
      const guard = (call: () => void) => {
        if (subscription.closed) return;
        try {
          call();
        } catch (error) {
          subscription.unsubscribe();
          report(error);
        }
      };
      const following = source.subscribe({
        next: (value) => guard(() => observer.next?.(value)),
        error: (error) => guard(() => observer.error?.(error)),
        complete: () => guard(() => observer.complete?.()),
      });
      subscription.add(following);
      return subscription;
    },
    [OBSERVABLE]: () => stream,
    get pipe() {
      const observable = new Observable<T>((subscriber) => stream.subscribe(subscriber));
      return observable.pipe.bind(observable);
    },
  };
  return stream;
}

/** The key that RxJS looks for; a string where the platform has no symbol for it. */
const OBSERVABLE: typeof Symbol.observable =
  Symbol.observable ?? ('@@observable' as unknown as typeof Symbol.observable); // RxJS falls back to the string as well.
