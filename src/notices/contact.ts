// Whom a customer asks.
import type { Config } from "../config.ts";

export const contactIn = ({ mail }: Config): string =>
  mail.replyTo ?? /<([^<>]+)>$/.exec(mail.from ?? "")?.[1] ?? mail.from ?? "your vendor";
