/** What is used of a `Map`, for maps that hold nothing or one entry nearly always: such a one costs a fraction of a `Map`. */
export interface SmallMap<K, V> extends Iterable<[K, V]> {
  readonly size: number;
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  delete(key: K): void;
  /** In the order in which they were set. */
  values(): Iterable<V>;
}

/** Makes an empty one. */
export function createSmallMap<K, V>(): SmallMap<K, V> {
  const map: Live<K, V> = Object.create(METHODS);
  map.only = null;
  map.all = null;
  return map;
}

/** A second entry makes it a `Map`, until that is empty again. */
type Live<K, V> = SmallMap<K, V> & { only: [K, V] | null; all: Map<K, V> | null };

const METHODS: SmallMap<unknown, unknown> & ThisType<Live<unknown, unknown>> = {
  get size() {
    return this.all?.size ?? (this.only === null ? 0 : 1);
  },
  get(key) {
    if (this.all !== null) return this.all.get(key);
    return this.only !== null && this.only[0] === key ? this.only[1] : undefined;
  },
  set(key, value) {
    if (this.all === null) {
      if (this.only === null || this.only[0] === key) {
        this.only = [key, value];
        return;
      }
      this.all = new Map([this.only]);
      this.only = null;
    }
    this.all.set(key, value);
  },
  delete(key) {
    if (this.only !== null && this.only[0] === key) this.only = null;
    if (this.all?.delete(key) && this.all.size === 0) this.all = null;
  },
  values() {
    return Array.from(this, ([, value]) => value);
  },
  [Symbol.iterator]() {
    const entries = this.all ?? (this.only === null ? [] : [this.only]);
    return entries[Symbol.iterator]();
  },
};
