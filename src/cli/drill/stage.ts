// Plays the scenes: moves time, breaks the service, asks the application, and compares it with a license client that does
// nothing but follow the license.
import { setTimeout as sleep } from "node:timers/promises";
import type { License } from "../../clients/typescript/src/index.ts";
import type { LicenseDrill } from "../../clients/typescript/src/testing.ts";
import type { Application } from "./application.ts";
import { mistakesOf, type Observed, type Result } from "./findings.ts";
import { askedIn, assertReached } from "./reached.ts";
import type { Scene, Step } from "./scenes.ts";

/** How long an application has to ask the service after each piece; one that asks does so within a fifth of a second. */
const CONTACT = 800;

/** An answer that stays the same for so long counts. */
const STEADY = 300;

/** The same where it is asked by its end. */
const ENDING = 1_500;

const LOOK = 60;

/** How long a probe may take. */
const PROBE = 2_000;

interface Patience {
  /** Seconds that the application has to start, and to follow the license. */
  start: number;
  settle: number;
}

export interface Cast {
  drill: LicenseDrill;
  application: Application;
  /** Does what the license says, at each moment. */
  reference: License;
  /** Where the application is asked; without it, whether it runs on or how it ended is the answer. */
  probe: string | null;
  patience: Patience;
  /** Time passes in pieces, so that an application that asks in time never runs out of its lease. Seconds. */
  piece: number;
}

export class Stage {
  readonly #cast: Cast;
  #isReached = false;
  #isWanted = true;
  #before: Result | null = null;

  constructor(cast: Cast) {
    this.#cast = cast;
  }

  /** @throws Failure if the application cannot be reached by a drill */
  async play(scene: Scene): Promise<Result> {
    const { application, reference, drill, probe } = this.#cast;
    const began = performance.now();
    const exits = application.exits;
    if (application.starts > 0) await this.#supervise();
    for (const step of scene.steps) await this.#do(step);
    await reference.checkIn();
    const runs = application.starts;
    await this.#supervise();
    const did = await this.#observe(runs);
    if (!this.#isReached && application.starts > 0) {
      await assertReached(this.#cast);
      this.#isReached = true;
    }
    const license = reference.status();
    const observed: Observed = { did, exited: application.exits > exits };
    const { mayRun } = license;
    const mistakes = mistakesOf(scene, observed, { mayRun, isServer: probe !== null, before: this.#before });
    this.#before = {
      scene,
      at: drill.clock(),
      license,
      observed,
      mistakes,
      took: performance.now() - began,
      output: mistakes.length > 0 ? application.output : "",
    };
    return this.#before;
  }

  async #do(step: Step): Promise<void> {
    const { drill, application } = this.#cast;
    switch (step.do) {
      case "start":
        return this.#start();
      case "stop":
        this.#isWanted = false;
        return application.stop();
      case "restart":
        await application.stop();
        return this.#start();
      case "advance":
        return this.#advance(step.seconds);
      case "outage":
        return drill.outage(step.kind);
      case "recover":
        return drill.recover();
      case "renew":
        return drill.renew({ seconds: step.seconds });
      case "suspend":
        return drill.suspend();
      case "reinstate":
        return drill.reinstate();
      case "revoke":
        return drill.revoke();
      case "reissue":
        return void (await drill.reissue());
      case "rotate-keys":
        return drill.rotateKeys();
      case "clock-back":
        return drill.setBack({ seconds: step.seconds });
    }
  }

  /** Starts it again where it ended, as every supervisor does. */
  async #supervise(): Promise<void> {
    if (this.#isWanted && !this.#cast.application.isRunning) await this.#start();
  }

  /** Starts it, and waits until it answers, ends, or had its time. */
  async #start(): Promise<void> {
    const { application, probe, patience } = this.#cast;
    this.#isWanted = true;
    await application.start();
    if (probe === null) return;
    const deadline = performance.now() + patience.start * 1000;
    while (application.isRunning && performance.now() < deadline) {
      if ((await ask(probe)) !== null) return;
      await sleep(LOOK);
    }
  }

  async #advance(seconds: number): Promise<void> {
    const { drill, application, reference } = this.#cast;
    let left = seconds;
    while (left > 0) {
      const piece = Math.min(left, this.#cast.piece);
      left -= piece;
      const before = askedIn(this.#cast).length;
      drill.advance({ seconds: piece });
      await reference.checkInIfDue();
      const deadline = performance.now() + CONTACT;
      const isAwaited = (): boolean => application.isRunning && askedIn(this.#cast).length === before;
      while (isAwaited() && performance.now() < deadline) await sleep(LOOK);
    }
  }

  /**
   * What the application does, as soon as it is what the license says, or when its time is over.
   * @param runs how often it had been started when the scene was set: how such a run ends is no answer to it
   */
  async #observe(runs: number): Promise<Observed["did"]> {
    const { application, reference, probe, patience } = this.#cast;
    // Without a probe it may end at any time, so it is watched for longer.
    const steady = probe === null ? Math.min(ENDING, patience.settle * 1000) : STEADY;
    const deadline = performance.now() + patience.settle * 1000;
    let did = await this.#look();
    let since = performance.now();
    for (;;) {
      const now = performance.now();
      const wanted = reference.status().mayRun ? "ran" : "stopped";
      if ((did === wanted && now - since >= steady) || now >= deadline) return did;
      await sleep(LOOK);
      if (probe === null && application.starts === runs) await this.#supervise();
      const next = await this.#look();
      if (next !== did) since = performance.now();
      did = next;
    }
  }

  async #look(): Promise<Observed["did"]> {
    const { application, probe } = this.#cast;
    if (probe === null) return application.isRunning || application.exitCode === 0 ? "ran" : "stopped";
    return (await ask(probe)) === true ? "ran" : "stopped";
  }
}

/** Whether it serves; null if nothing answers. */
async function ask(probe: string): Promise<boolean | null> {
  try {
    const response = await fetch(probe, { redirect: "manual", signal: AbortSignal.timeout(PROBE) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return null;
  }
}
