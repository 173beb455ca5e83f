// Makes dist/, which is deployed, of src/worker.ts. Wrangler runs this: see [build] in wrangler.toml.
import { bundle, write } from "./bundle.ts";

write(await bundle("src/worker.ts", "dist"));
