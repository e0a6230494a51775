import { expect, it } from 'vitest';
import { packageArguments } from '../../../scripts/package-arguments.ts';

it.each([
  ['nothing', [], { stage: 'dev' }],
  ['a stage', ['prod'], { stage: 'prod' }],
  ['a question', ['--help'], 'help'],
  ['a question behind a stage', ['prod', '-h'], 'help'],
])('takes %s', (_, args, expected) => {
  expect(packageArguments(args)).toEqual(expected);
});

it.each([
  ['an option', ['--stage'], "'--stage' is none"],
  ['an underscore', ['my_stage'], "'my_stage' is none"],
  ['a digit first', ['1st'], "'1st' is none"],
  ['two stages', ['dev', 'prod'], 'got dev prod'],
])('refuses %s', (_, args, message) => {
  expect(() => packageArguments(args)).toThrow(message);
});
