import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { optionalPackage } from './optionalPackage.js';

test('a package that is not there, or does not load, is named with what to do', async () => {
  const name = 'mlml-has-no-such-package';
  const require = createRequire(import.meta.url);
  for (const load of [() => import(name), async () => require(name)])
    await assert.rejects(optionalPackage(name, 'x: is a dream', load), {
      code: 'MLML_MISSING_PACKAGE',
      message: `x: is a dream, which needs the package ${name}; install it beside mlml: npm install ${name}`,
    });
  const broken = async () => {
    throw new Error('wrong ELF class\nand more');
  };
  await assert.rejects(optionalPackage('sharp', 'photos: is a folder of images', broken), {
    code: 'MLML_MISSING_PACKAGE',
    message:
      'photos: is a folder of images, which needs the package sharp (wrong ELF class); install it beside mlml: npm install sharp',
  });
  await assert.rejects(
    optionalPackage('sharp', 'photos: is a folder of images', () => import(name)),
    {
      message: /which needs the package sharp \(Cannot find package 'mlml-has-no-such-package'/,
    },
  );
});
