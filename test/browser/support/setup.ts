// One service for all tests in a browser: starting it takes as long as many of them.
import type { TestProject } from "vitest/node";
import { type House, openHouse } from "./house.ts";

declare module "vitest" {
  export interface ProvidedContext {
    house: House;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { house, close } = await openHouse();
  project.provide("house", house);
  return close;
}
