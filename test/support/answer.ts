/** The answer to a request of a test. */
export interface Answer {
  status: number;
  headers: Headers;
  // Tests read answers as a client without types would.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
  text: string;
}
