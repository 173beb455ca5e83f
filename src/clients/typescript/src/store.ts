// Keeps the state: one change after the other, shared with whoever shares the storage. A storage that fails
// stops nobody: what changed goes on in memory and is written as soon as that works again.
import { EMPTY, formatState, parseState, STATE, type State, type Storage } from "./state.ts";
import { addUsage, type Usage } from "./usage.ts";

export class Store {
  readonly #storage: Storage;
  readonly #report: (error: unknown) => void;
  #changed: (state: State) => Promise<void> = async () => undefined;
  #state: State = EMPTY;
  /** Counted since the last change; added to what is stored, so that several processes lose nothing. */
  #counted: Usage = {};
  /** What changed and could not be written. */
  #unsaved: Partial<State> = {};
  #last: Promise<unknown> = Promise.resolve();

  constructor(storage: Storage, report: (error: unknown) => void) {
    this.#storage = storage;
    this.#report = report;
  }

  /** Has `changed` called with each new state, and awaited before the next. */
  watch(changed: (state: State) => Promise<void>): void {
    this.#changed = changed;
  }

  /** As of the last change, with what was counted since. */
  get state(): State {
    return { ...this.#state, usage: addUsage(this.#state.usage, this.#counted) };
  }

  /** Whether there is something that a crash would take. */
  get isDirty(): boolean {
    return Object.keys(this.#unsaved).length > 0 || Object.keys(this.#counted).length > 0;
  }

  count(usage: Usage): void {
    this.#counted = addUsage(this.#counted, usage);
  }

  /**
   * Takes over what others wrote. Without the lock, and nothing is written: for whoever has nothing to write.
   * Where there is no state, or none that can be read, what is in memory goes on.
   */
  refresh(): Promise<void> {
    return this.#inTurn(async () => {
      try {
        const stored = parseState((await this.#storage.read(STATE)) ?? "");
        if (stored === null) return;
        this.#state = { ...stored, ...this.#unsaved };
      } catch (error) {
        this.#report(error);
      }
      await this.#changed(this.#state);
    });
  }

  /** Reads what is stored, changes it and writes it back. Never throws for the storage's sake. */
  update(change: (state: State) => State): Promise<State> {
    return this.#inTurn(async () => {
      let begun = false;
      try {
        await this.#exclusively(() => {
          begun = true;
          return this.#change(change, null);
        });
      } catch (error) {
        if (begun) this.#report(error);
        // What cannot be locked is not written, but it may be read.
        else await this.#change(change, error);
      }
      await this.#changed(this.#state);
      return this.#state;
    });
  }

  /**
   * As `update`, for what has to be kept before anybody acts on it.
   * @throws what `change` or the storage throws; then nothing has changed
   */
  commit(change: (state: State) => State): Promise<State> {
    return this.#inTurn(async () => {
      await this.#exclusively(() => this.#change(change, null, true));
      await this.#changed(this.#state);
      return this.#state;
    });
  }

  /**
   * The text of that name, made once where there is none that is good.
   * @throws what the storage throws, where it takes writing
   */
  async readOrMake(
    name: string,
    make: () => string | Promise<string>,
    isGood: (text: string) => boolean,
  ): Promise<string> {
    const read = async (): Promise<string | null> => {
      const text = (await this.#storage.read(name))?.trim() ?? null;
      if (text === null || isGood(text)) return text;
      this.#report(new Error(`${name} cannot be used and is made anew.`));
      return null;
    };
    // Not under the lock at first: a folder that cannot be written can be read.
    return (
      (await read()) ??
      this.#inTurn(() =>
        this.#exclusively(async () => {
          const text = await read();
          if (text !== null) return text;
          const made = await make();
          await this.#storage.write(name, `${made}\n`);
          return made;
        }),
      )
    );
  }

  /**
   * @param fault why nothing can be written; null where nothing is known to be wrong
   * @param lasting throw where it cannot be written, and change nothing
   */
  async #change(change: (state: State) => State, fault: unknown, lasting = false): Promise<void> {
    let trouble = fault;
    let text: string | null = null;
    try {
      text = await this.#read();
    } catch (error) {
      trouble ??= error;
    }
    const [before, counted] = [this.#state, this.#counted];
    this.#state = change(this.state);
    this.#counted = {};
    try {
      if (trouble !== null) throw trouble;
      const next = formatState(this.#state);
      if (next !== text) await this.#storage.write(STATE, next);
      this.#unsaved = {};
    } catch (error) {
      this.#counted = addUsage(counted, this.#counted);
      if (lasting) {
        this.#state = before;
        throw error;
      }
      this.#keepInMemory(before);
      this.#report(error);
    }
  }

  async #read(): Promise<string | null> {
    const text = await this.#storage.read(STATE);
    const stored = text === null ? null : parseState(text);
    // One that was cut off or altered is set aside for a person to look at, never a reason to stop.
    if (text !== null && stored === null) {
      this.#report(new Error(`${STATE} cannot be read and was set aside.`));
      await this.#storage.write(`${STATE}.broken-${Date.now()}`, text);
    }
    this.#state = { ...(stored ?? this.#state), ...this.#unsaved };
    return text;
  }

  #keepInMemory(before: State): void {
    // Of the usage others write as well. It is cumulative: what is not noted is told again.
    const { usage, acknowledged, usage_license_id } = before;
    const figures = { usage, acknowledged, usage_license_id };
    this.#state = { ...this.#state, ...figures };
    const changed = Object.entries(this.#state).filter(
      ([name, value]) => value !== before[name as keyof State],
    );
    this.#unsaved = { ...this.#unsaved, ...Object.fromEntries(changed) };
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#storage.exclusively ? this.#storage.exclusively(work) : work();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
