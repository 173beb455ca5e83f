// Every page and form of the console.
import type { Door } from "./mount.tsx";
import { overview } from "./overview.tsx";

export const doors: Door[] = [overview];
