import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as errors from '../../lib/errors.ts';
import { canonical } from '../../lib/keys/canonical.ts';
import { type KeyAccess, withGrants } from '../../lib/keys/key-policy.ts';
import { read } from './documents.ts';

const runbook = read('docs/runbook.md');
const source = read('lib/errors.ts');

const names = Object.entries<unknown>({ ...errors })
  .filter(([, value]) => typeof value === 'function' && value.prototype instanceof errors.StepError)
  .map(([name]) => name)
  .toSorted((a, b) => source.indexOf(`class ${a} `) - source.indexOf(`class ${b} `));

/** The sections of the errors have a heading of one word, the others a longer one. */
const sections = runbook
  .split(/^## /m)
  .map((section) => /^(\w+)\n(.*)$/s.exec(section))
  .flatMap((match) => (match?.[1] && match[2] ? [{ name: match[1], body: match[2] }] : []));

/** The paragraphs of a section, by the words in bold that they begin with. */
function paragraphs(body: string): [lead: string, text: string][] {
  const [, ...parts] = body.split(/^\*\*(.+?)\*\*\s/m);
  return parts.flatMap((lead, index) => (index % 2 === 0 ? [[lead, parts[index + 1] ?? '']] : []));
}

describe('the runbook', () => {
  it('has a section for each error, in the order of errors.ts, and no other', () => {
    expect(names.length).toBeGreaterThan(0);
    expect(sections.map(({ name }) => name)).toEqual(names);
  });

  it.each(sections)('says of $name what it means, what exists and what to do', ({ body }) => {
    const found = paragraphs(body);
    expect(found.map(([lead]) => lead)).toEqual(['What it means.', 'What exists now.', 'What to do.']);
    for (const [lead, text] of found) expect(text, lead).toMatch(/\w+ \w+/);
  });

  it.each(sections)('advises on $name what its remedy advises', ({ name, body }) => {
    const advice = new Map(paragraphs(body)).get('What to do.');
    const remedy = errors.remedyFor(name);
    for (const way of [/redrive/, /send[^.]* again/]) if (way.test(remedy)) expect(advice).toMatch(way);
  });

  it("shows the onboarding's statements in a key policy as they are written", () => {
    const { body = '' } = sections.find(({ name }) => name === 'KeyPolicyNotUnderstood') ?? {};
    const [byArns, like] = [...body.matchAll(/^ *```json\n(.*?)```/gms)].map(([, json = '']) => JSON.parse(json));
    const role = 'arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-acme';
    const written = (access: KeyAccess) => canonical(withGrants({ Statement: [] }, [role], access).Statement);
    expect(canonical(byArns)).toBe(written({ mode: 'role-arns' }));
    const statements = v.parse(v.array(v.looseObject({ Condition: v.exactOptional(v.looseObject({})) })), byArns);
    const byPattern = statements.map((each) => ({
      ...each,
      Principal: '*',
      Condition: { ...each.Condition, ...like },
    }));
    expect(canonical(byPattern)).toBe(
      written({ mode: 'role-pattern', roleNamePrefix: 'RoleForInfinStorMlflowService-' }),
    );
  });

  it.each([
    { machine: 'onboard-subscriber', head: 'Failed in' },
    { machine: 'update-subscriber', head: 'Update failed in' },
    { machine: 'add-user', head: 'Adding users failed in' },
  ])('says of each state of $machine what exists after its failure', ({ machine, head }) => {
    const { States } = v.parse(
      v.object({ States: v.record(v.string(), v.unknown()) }),
      JSON.parse(read(`statemachine/${machine}.asl.json`)),
    );
    const [, table = ''] = new RegExp(`\\| ${head} \\|.*?\\n\\|-.*?\\n(.*?)\\n\\n`, 's').exec(runbook) ?? [];
    expect([...table.matchAll(/^\| (\w+) \|/gm)].map(([, state]) => state)).toEqual(Object.keys(States));
  });

  it('says of each state of an offboarding what is gone after its failure', () => {
    const { States } = v.parse(
      v.object({ States: v.record(v.string(), v.unknown()) }),
      JSON.parse(read('statemachine/offboard-subscriber.asl.json')),
    );
    const [, table = ''] = /\| Offboarding failed in \|.*?\n\|-.*?\n(.*?)\n\n/s.exec(runbook) ?? [];
    expect([...table.matchAll(/^\| (\w+) \|/gm)].map(([, state]) => state)).toEqual(Object.keys(States));
  });

  it.each([
    {
      file: 'functions/create-subscriber/create-subscriber.ts',
      text: "InfinStor's user pool has no such user at this moment",
    },
    { file: 'functions/create-subscriber/create-subscriber.ts', text: 'InfinStor has the subscriber' },
    { file: 'functions/create-subscriber/create-subscriber.ts', text: 'could not be found out' },
    { file: 'lib/keys/kms.ts', text: 'would not let the onboarding change it in the future' },
    { file: 'functions/detect-key-policy-drift/detect-key-policy-drift.ts', text: 'key is gone' },
    { file: 'functions/detect-key-policy-drift/detect-key-policy-drift.ts', text: 'key policy drifted' },
    { file: 'lib/subscribers/events.ts', text: 'EventBridge did not take' },
    { file: 'lib/lambda/step.ts', text: 'step failed' },
  ])('quotes the message "$text" as $file has it', ({ file, text }) => {
    expect(runbook).toContain(text);
    expect(read(file)).toContain(text);
  });

  it('has in its index by symptom only sections that it has', () => {
    const [index = ''] = runbook.split(/^## /m);
    const named = [...index.matchAll(/\[(\w+)\]\(#\w+\)/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(10);
    expect(sections.map(({ name }) => name)).toEqual(expect.arrayContaining(named));
  });

  it('names params that there are', () => {
    const params = v.parse(v.record(v.string(), v.unknown()), parse(read('stages/default.yml')));
    const named = [...runbook.matchAll(/\bparams?\s+`(\w+)`/g)].map(([, param]) => param);
    expect(named).toContain('roleNamePrefix');
    expect(Object.keys(params)).toEqual(expect.arrayContaining(named));
  });
});
