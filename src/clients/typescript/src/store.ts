// Keeps the state: one change after the other, shared by all processes on the storage. A storage that fails
// stops nobody: changes stay in memory and are written as soon as that works again.
import { EMPTY, formatKept, formatState, KEPT, parseState, salvage, STATE, type State } from "./state.ts";
import type { Storage } from "./storage.ts";
import type { Counts } from "./meters.ts";
import { addUsage, type Usage, withCounted } from "./usage.ts";
import { LicenseError } from "./vocabulary.ts";

export interface Watcher {
  /** Called with each new state, and awaited before the next. */
  changed(state: State, isKept: boolean): Promise<void>;
  /** What is written with each change, such as the time. */
  stamp(state: State): State;
  /** Whether the stamp alone is worth writing. */
  isStampDue(state: State): boolean;
}

export class Store {
  readonly #storage: Storage;
  readonly #report: (error: unknown) => void;
  #watcher: Watcher = { changed: async () => undefined, stamp: (state) => state, isStampDue: () => false };
  #state: State = EMPTY;
  /** Counted since the last change; added to what is stored, so that several processes lose nothing. */
  #counted: Usage = {};
  /** Changes that could not be written. */
  #unsaved: Partial<State> = {};
  /** Whether the last attempt to write succeeded. */
  #isKept = true;
  /** The known content of the copy. */
  #copy: string | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(storage: Storage, report: (error: unknown) => void) {
    this.#storage = storage;
    this.#report = report;
  }

  watch(watcher: Watcher): void {
    this.#watcher = watcher;
  }

  /** As of the last change, with what was counted since. */
  get state(): State {
    return { ...this.#state, ...withCounted(this.#state, this.#counted) };
  }

  /** Whether a crash would lose anything. */
  get isDirty(): boolean {
    const changed = [this.#unsaved, this.#counted].some((members) => Object.keys(members).length > 0);
    return changed || this.#watcher.isStampDue(this.#state);
  }

  count(day: string, counts: Counts): void {
    this.#counted = addUsage(this.#counted, { [day]: counts });
  }

  /**
   * Takes over what others wrote. Needs no lock, since it writes nothing.
   * If no state can be read, the one in memory stays.
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
      await this.#told();
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
        // Without the lock nothing is written, but reading is possible.
        else await this.#change(change, error);
      }
      await this.#told();
      return this.#state;
    });
  }

  /**
   * Like `update`, for changes that must be stored before anybody acts on them.
   * @throws what `change` or the storage throws; then nothing has changed
   */
  commit(change: (state: State) => State): Promise<State> {
    return this.#inTurn(async () => {
      await this.#exclusively(() => this.#change(change, null, true));
      await this.#told();
      return this.#state;
    });
  }

  /**
   * The text of that name, made once if missing. An unusable text is set aside, never overwritten.
   * @throws what the storage throws, if something must be written
   */
  async readOrMake(
    name: string,
    make: () => string | Promise<string>,
    isGood: (text: string) => boolean,
  ): Promise<string> {
    let fault: unknown = null;
    const read = async (): Promise<string | null> => {
      fault = null;
      try {
        const text = (await this.#storage.read(name))?.trim() ?? "";
        if (text === "" || isGood(text)) return text || null;
        fault = new Error(`${name} cannot be used, is set aside and made anew.`);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        fault = new Error(`${error.message} It is set aside and made anew.`);
      }
      return null;
    };
    // First without the lock: a read-only folder can still be read.
    return (
      (await read()) ??
      this.#inTurn(() =>
        this.#exclusively(async () => {
          const text = await read();
          if (text !== null) return text;
          if (fault !== null) {
            this.#report(fault);
            await this.#setAside(name, (await this.#readText(name)) ?? "");
          }
          const made = await make();
          await this.#storage.write(name, `${made}\n`);
          return made;
        }),
      )
    );
  }

  /**
   * @param fault why nothing can be written; null if no fault is known
   * @param lasting throw if it cannot be written, and change nothing
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
      const isNew = formatState(this.#state) !== text || this.#watcher.isStampDue(this.#state);
      if (isNew) this.#state = this.#watcher.stamp(this.#state);
      if (trouble !== null) throw trouble;
      if (isNew) await this.#storage.write(STATE, formatState(this.#state));
      await this.#copyKept();
      this.#unsaved = {};
      this.#isKept = true;
    } catch (error) {
      this.#counted = addUsage(counted, this.#counted);
      if (lasting) {
        this.#state = before;
        throw error;
      }
      this.#keepInMemory(before);
      this.#notKept(error);
    }
  }

  /** The essential part of the license is kept twice, in case a disk or a person breaks one copy. */
  async #copyKept(): Promise<void> {
    const copy = formatKept(this.#state);
    this.#copy ??= (await this.#readText(KEPT)) ?? formatKept(EMPTY);
    if (copy === this.#copy) return;
    await this.#storage.write(KEPT, copy);
    this.#copy = copy;
  }

  /** Reported once: a folder that cannot be written stays so for a while. */
  #notKept(error: unknown): void {
    if (!this.#isKept) return;
    this.#isKept = false;
    const why = error instanceof Error ? error.message : String(error);
    const told = `The state of the license cannot be written and goes on in memory: ${why}`;
    this.#report(new LicenseError("STATE_NOT_KEPT", told));
  }

  async #read(): Promise<string | null> {
    const text = await this.#readText(STATE);
    const stored = text === null ? null : parseState(text);
    // A damaged state is set aside for a person to look at, never a reason to stop.
    if (text !== null && stored === null) {
      this.#report(new Error(`${STATE} cannot be read and was set aside.`));
      await this.#setAside(STATE, text);
      const rest = this.#state === EMPTY ? salvage(text, await this.#readText(KEPT)) : null;
      this.#state = { ...(rest ?? this.#state), ...this.#unsaved };
      return null;
    }
    this.#state = { ...(stored ?? this.#state), ...this.#unsaved };
    return text;
  }

  /** Content that is not text counts as a broken state, not as a failing storage. */
  async #readText(name: string): Promise<string | null> {
    try {
      return await this.#storage.read(name);
    } catch (error) {
      if (error instanceof TypeError) return "";
      throw error;
    }
  }

  async #setAside(name: string, text: string): Promise<void> {
    if (this.#storage.setAside) await this.#storage.setAside(name);
    else await this.#storage.write(`${name}.broken-${Date.now()}`, text);
  }

  #keepInMemory(before: State): void {
    // Other processes write usage too. It is cumulative: what is not noted is reported again.
    const { usage, acknowledged, settled, usage_license_id } = before;
    const figures = { usage, acknowledged, settled, usage_license_id };
    this.#state = { ...this.#state, ...figures };
    const changed = Object.entries(this.#state).filter(
      ([name, value]) => value !== before[name as keyof State],
    );
    this.#unsaved = { ...this.#unsaved, ...Object.fromEntries(changed) };
  }

  #told(): Promise<void> {
    return this.#watcher.changed(this.#state, this.#isKept);
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
