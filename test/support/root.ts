import { fileURLToPath } from 'node:url';

/** The checkout's root folder; tests run from dist/test/<folder>/. */
export const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/[\\/]$/, '');
