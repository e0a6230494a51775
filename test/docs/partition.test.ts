import { expect, it } from 'vitest';
import { pathsBelow, read } from './documents.ts';

// Not the sandbox and its tests, whose account is in one partition, nor the documents, whose examples are.
const product = pathsBelow(['functions', 'lib', 'cli', 'deployment', 'statemachine', 'stages', 'build'])
  .concat('serverless.yml')
  .filter((path) => !path.endsWith('/'));

it.each(product)('%s writes no partition out', (path) => {
  // `arn:aws[\w-]*:` and `arn:aws[a-z-]*:` are patterns for all of them.
  expect(read(path).match(/arn:aws(-cn|-us-gov)?:.*/g) ?? []).toEqual([]);
});
