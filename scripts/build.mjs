// npm run build: installs and builds what is missing or out of date.
import { main } from './child.mjs';
import { setUp } from './setUp.mjs';

await main(setUp);
