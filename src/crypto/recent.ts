// A map that forgets: it keeps a limited number of entries and drops the oldest.

interface Recent<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
}

export function createRecent<V>(most: number): Recent<V> {
  const entries = new Map<string, V>();
  return {
    get: (key) => entries.get(key),
    set(key, value) {
      if (entries.size >= most && !entries.has(key)) entries.delete(entries.keys().next().value!);
      entries.set(key, value);
    },
  };
}
