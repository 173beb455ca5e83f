// Keeps the state: one change after the other, shared with whoever shares the storage. A storage that fails
// stops nobody: the state goes on in memory and is written as soon as that works again.
import { EMPTY, formatState, parseState, type State, type Storage } from "./state.ts";
import { addUsage, type Usage } from "./usage.ts";

const STATE = "state.json";

export class Store {
  readonly #storage: Storage;
  readonly #report: (error: unknown) => void;
  #changed: (state: State) => Promise<void> = async () => undefined;
  #state: State = EMPTY;
  /** Counted since the last change; added to what is stored, so that several processes lose nothing. */
  #counted: Usage = {};
  #unsaved = false;
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
    return this.#unsaved || Object.keys(this.#counted).length > 0;
  }

  count(usage: Usage): void {
    this.#counted = addUsage(this.#counted, usage);
  }

  /** Reads what is stored, changes it and writes it back. Never throws for the storage's sake. */
  update(change: (state: State) => State): Promise<State> {
    return this.#inTurn(async () => {
      let stored = this.#state;
      let changed = false;
      const apply = (): void => {
        this.#state = change({ ...stored, usage: addUsage(stored.usage, this.#counted) });
        this.#counted = {};
        changed = true;
      };
      try {
        await this.#exclusively(async () => {
          const text = this.#unsaved ? null : await this.#storage.read(STATE);
          if (text !== null) stored = (await this.#parse(text)) ?? stored;
          apply();
          const next = formatState(this.#state);
          if (next !== text) await this.#storage.write(STATE, next);
          this.#unsaved = false;
        });
      } catch (error) {
        if (!changed) apply();
        this.#unsaved = true;
        this.#report(error);
      }
      await this.#changed(this.#state);
      return this.#state;
    });
  }

  /** The text of that name, made once where there is none. @throws what the storage throws */
  readOrMake(name: string, make: () => string | Promise<string>): Promise<string> {
    return this.#inTurn(() =>
      this.#exclusively(async () => {
        const text = (await this.#storage.read(name))?.trim();
        if (text) return text;
        const made = await make();
        await this.#storage.write(name, `${made}\n`);
        return made;
      }),
    );
  }

  /** A state that was cut off or altered is set aside for a person to look at, never a reason to stop. */
  async #parse(text: string): Promise<State | null> {
    const state = parseState(text);
    if (state) return state;
    this.#report(new Error(`${STATE} cannot be read and was set aside.`));
    await this.#storage.write(`${STATE}.broken-${Date.now()}`, text);
    return null;
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
