// The compiler's former interface under the name by which the generator of clients asks for it.
export { ts as default } from "@ts-morph/common";
