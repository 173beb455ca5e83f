// Where an installation keeps what it remembers.

/** Where the state is kept: a few small texts by name. */
export interface Storage {
  read(name: string): Promise<string | null>;
  /** Replaces the text as a whole: a reader sees the old one or the new one. */
  write(name: string, text: string): Promise<void>;
  /** Runs `work` while nobody else on the storage does; may be left out if nobody shares it. */
  exclusively?<T>(work: () => Promise<T>): Promise<T>;
  /** Sets a broken text aside for a person to look at; may be left out if `read` returns all of it. */
  setAside?(name: string): Promise<void>;
}

/** Forgets everything when the process ends: for tests, and if a lost seat becomes free soon enough. */
export class MemoryStorage implements Storage {
  readonly #texts = new Map<string, string>();

  async read(name: string): Promise<string | null> {
    return this.#texts.get(name) ?? null;
  }

  async write(name: string, text: string): Promise<void> {
    this.#texts.set(name, text);
  }
}
