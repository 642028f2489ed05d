import { createRequire } from 'node:module';
import { MlmlError } from '../../errors.js';

/** `what` needs a package that is not there. `detail`: what the loader said, where another package is missing. */
export function missingPackage(name: string, what: string, detail = ''): MlmlError {
  const other = detail !== '' && !detail.includes(`'${name}'`) ? ` (${detail.split('\n')[0]})` : '';
  return new MlmlError(
    'MLML_MISSING_PACKAGE',
    `${what}, which needs the package ${name}${other}; install it beside mlml: npm install ${name}`,
  );
}

/** Loads an optional package; `what` says what it is for: `t.sqlite: is an SQLite database`. `MLML_MISSING_PACKAGE` without it. */
export function optionalPackage<Package>(name: string, what: string): Package {
  const require = createRequire(import.meta.url);
  try {
    return require(name) as Package;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    throw missingPackage(name, what, (error as Error).message);
  }
}
