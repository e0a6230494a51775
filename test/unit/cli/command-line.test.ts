import { describe, expect, it } from 'vitest';
import { choose } from '../../../cli/choose.ts';
import { commandTable } from '../../../cli/command-table.ts';
import { pathOf } from '../../../cli/commands/send.ts';
import { commandHelp, overview } from '../../../cli/view/help.ts';

const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111';
const executionArn = 'arn:aws:states:us-east-1:111111111111:execution:x-onboard-subscriber:acme-1';
const at = ['--endpoint', 'http://sandbox.example:4566'];
const tour = { name: 'npm start --', isTour: true };
const program = { name: 'infinstor-onboarding', isTour: false };

/** What a command line means: the name of the command, and what follows it. */
function read(args: readonly string[], called = tour) {
  const { command, ...chosen } = choose(args, called, commandTable);
  if (command === undefined || !('args' in chosen)) return chosen;
  command.read(chosen.args);
  return { name: command.name, args: chosen.args };
}

describe('the command that a command line means', () => {
  it.each([
    ['nothing', [], 'onboard', []],
    ['a request file', ['--json', 'my.json', ...at], 'onboard', ['--json', 'my.json', ...at]],
    ['a request file named like no command', ['constructor'], 'onboard', ['constructor']],
    ['a request file named like an option', ['restore'], 'onboard', ['restore']],
    ['several faults', ['--fault', 'kms:PutKeyPolicy:drop', '--fault', 'a'], 'onboard', undefined],
    ['an update', ['update'], 'update', []],
    ['users to add', ['add-user', 'my.json'], 'add-user', ['my.json']],
    ['an offboarding', ['offboard', ...at], 'offboard', at],
    ['a status', ['status', 'acme', ...at], 'status', ['acme', ...at]],
    ['a command after options', [...at, 'retry', 'acme', '--json'], 'retry', [...at, 'acme', '--json']],
    ['a word that an option has for its value', ['--stage', 'status', 'retry', 'acme'], 'retry', undefined],
    ['a policy to show', ['key-policies', '--show', '2026#1', keyArn], 'key-policies', undefined],
    ['an execution to redrive', ['redrive', executionArn], 'redrive', [executionArn]],
    ['the template of a build', ['template', '2.4.1'], 'template', ['2.4.1']],
    ['faults for a running sandbox', ['fault', 'kms:PutKeyPolicy:drop', 'a:b:c', ...at], 'fault', undefined],
    ['the version', ['--version'], 'version', []],
  ])('%s', (_, args, name, rest) => {
    const found = read(args);
    expect(found).toMatchObject({ name });
    if (rest !== undefined) expect(found).toEqual({ name, args: rest });
  });

  it('is none outside of npm start when there is no word: the help is shown', () => {
    expect(read([], program)).toEqual({ text: overview(commandTable, program) });
  });

  it.each([
    [['--help'], overview(commandTable, tour)],
    [['help'], overview(commandTable, tour)],
    [['help', 'status'], commandHelp(commandTable.find(({ name }) => name === 'status') ?? expect.fail(), tour)],
  ])('is none for %j, but a text', (args, text) => {
    expect(read(args)).toEqual({ text });
  });

  it.each([
    [['key-policy', keyArn], "There is no command 'key-policy'; did you mean 'key-policies'?"],
    [['keypolicies', keyArn, '--show', 'a'], "There is no command 'keypolicies'; did you mean 'key-policies'?"],
    [['statsu', 'acme'], "There is no command 'statsu'; did you mean 'status'?"],
    [['xyzzy', 'acme'], "There is no command 'xyzzy'; the commands are onboard, update, "],
  ])('is missed in %j', (args, message) => {
    for (const called of [tour, program]) expect(() => read(args, called)).toThrow(message);
  });
});

it('a request in place of its file is refused, and not repeated', () => {
  const session = { program, target: undefined } as const;
  const inPlace = () => pathOf('{"subscriber": {"password": "hunter2"}}', 'onboard-subscriber', session);
  expect(inPlace).toThrow(/^What is named must be a file with the request, not the request itself$/);
});

describe('what follows the name of a command', () => {
  it.each([
    ['an unknown option', ['--verbose'], "Unknown option '--verbose'"],
    ['two files', ['a.json', 'b.json'], 'One REQUEST.json at a time: got a.json and b.json'],
    ['two files for an update', ['update', 'a.json', 'b.json'], 'One REQUEST.json at a time: got a.json and b.json'],
    ['an endpoint without a value', ['--endpoint'], "Option '--endpoint <value>' argument missing"],
    ['a kept policy of an onboarding', ['--show', '2026#1'], "Unknown option '--show'"],
    ['the status of nobody', ['status', ...at], 'status takes USERNAME'],
    ['the status of what is no name', ['status', 'a b', ...at], "the userName of a subscriber, not 'a b'"],
    ['a retry for two', ['retry', 'a', 'b', ...at], 'One USERNAME at a time: got a and b'],
    ['a status with faults', ['status', 'acme', ...at, '--fault', 'x'], "Unknown option '--fault'"],
    ['key-policies without a key', ['key-policies', ...at], 'key-policies takes KEY-ARN'],
    ['key-policies of two keys', ['key-policies', keyArn, 'b', ...at], `One KEY-ARN at a time: got ${keyArn} and b`],
    ['key-policies of an alias', ['key-policies', 'alias/a', ...at], "(arn:<partition>:kms:…:key/…), not 'alias/a'"],
    ['a policy without an id', ['key-policies', keyArn, ...at, '--show'], "'--show <value>' argument missing"],
    ['a redrive of a machine', ['redrive', 'arn:aws:states:x'], 'or the ARN of an execution, not'],
    ['a template that is no build', ['template', 'latest'], "a build such as 2.3.72, not 'latest'"],
    ['two builds', ['template', '1.0', '2.0'], 'One BUILD at a time'],
    ['a shell that is not known', ['completion', 'csh'], "bash, zsh or fish, not 'csh'"],
    ['a version of something', ['version', 'x'], 'version takes no x'],
  ])('refuses %s', (_, args, message) => {
    expect(() => read(args)).toThrow(
      expect.objectContaining({
        name: 'InvalidRequest',
        message: expect.stringContaining(message),
        remedy: expect.stringContaining('--help'),
      }),
    );
  });
});

describe('the help', () => {
  const texts = [overview(commandTable, tour), ...commandTable.map((command) => commandHelp(command, program))];

  it('fits a terminal of 100 columns', () => {
    const lines = texts.flatMap((text) => text.split('\n'));
    // An example is not broken.
    expect(lines.filter((line) => line.length > 100 && !/^ {2}infinstor-onboarding \w/.test(line))).toEqual([]);
  });

  it('names the stage once, as a word or as an option', () => {
    const usages = texts.slice(1).flatMap((text) => text.split('\n').filter((line) => line.startsWith('Usage: ')));
    expect(usages).toContain('Usage: infinstor-onboarding rebuild-registry [STAGE] [options]');
    expect(usages).toContain('Usage: infinstor-onboarding status USERNAME --stage STAGE');
    expect(usages.filter((usage) => (usage.match(/\bSTAGE\b/g) ?? []).length > 2)).toEqual([]);
    expect(usages.filter((usage) => /\[STAGE\].*--stage/.test(usage))).toEqual([]);
  });

  it('of each command shows examples that the command takes', () => {
    for (const { name, examples } of commandTable) {
      for (const example of examples) {
        const [words = ''] = example.split(' > ');
        expect(read(words.replace('$KEY_ARN', keyArn).split(' '), program), example).toMatchObject({ name });
      }
    }
  });
});
