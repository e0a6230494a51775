import { describe, expect, it } from 'vitest';
import { canonicalHash } from '../../../../lib/keys/canonical.ts';
import { isUpToDate, lostStatements } from '../../../../lib/keys/drift/history.ts';
import { ownStatements, parseKeyPolicy } from '../../../../lib/keys/key-policy.ts';
import type { Written } from '../../../../lib/keys/lease.ts';
import type { PolicyBackup } from '../../../../lib/keys/policy-backups.ts';
import type { KeyPolicy } from '../../../../lib/keys/policy-document.ts';
import { keyPolicy } from '../../functions/key-policy.ts';
import { roleArn } from './key-fixture.ts';

const noon = Date.UTC(2026, 0, 1, 12);
const statement = (Sid?: string, Action = 'kms:Decrypt') => ({
  ...(Sid !== undefined && { Sid }),
  Effect: 'Allow',
  Principal: { AWS: '222222222222' },
  Action,
  Resource: '*',
});

interface Parts {
  roles?: string[];
  foreign?: object[];
}
function policyOf({ roles = [], foreign = [] }: Parts) {
  const { Statement, ...rest } = keyPolicy(...roles.map(roleArn));
  return { ...rest, Statement: [...Statement, ...foreign] };
}
const parsed = (parts: Parts): KeyPolicy => parseKeyPolicy(JSON.stringify(policyOf(parts)));

/** A policy that was kept so many milliseconds after noon. */
function kept(at: number, policy: object): PolicyBackup {
  const keptAt = new Date(noon + at).toISOString();
  return { id: `${keptAt}#owner`, keptAt, hash: 'a hash', policy: JSON.stringify(policy), by: 'somebody' };
}
/** What one of ours wrote over. */
const write = (at: number, over: Parts) => kept(at, policyOf(over));
/** What was written by hand. */
const edit = (at: number, parts: Parts) => ({ ...kept(at, policyOf(parts)), eventId: `event-${at}` });
/** What is known of our last write. */
const written = (at: number, parts: Parts): Written => ({
  statementsHash: canonicalHash(ownStatements(parsed(parts))),
  writtenAt: noon + at,
});

const before: Parts = { roles: ['a'], foreign: [statement('Owner')] };
const edited: Parts = { roles: ['a'], foreign: [statement('Owner'), statement('Backup')] };
const after: Parts = { roles: ['a', 'b'], foreign: [statement('Owner')] };

describe('of a policy written by hand', () => {
  it.each<[string, PolicyBackup[], Written | undefined]>([
    ['within the second of our write', [edit(0, edited), write(200, before)], written(700, after)],
    ['while our write was on its way', [write(0, before), edit(20_000, edited)], written(25_000, after)],
    ['while our write was on its way, whose writer then died', [write(0, before), edit(20_000, edited)], undefined],
    [
      'while our write was on its way, and others followed',
      [write(0, before), edit(1_000, edited), write(40_000, after), write(90_000, after)],
      written(91_000, after),
    ],
  ])('the statements are lost that were written %s', (_, history, last) => {
    expect(lostStatements(parsed(after), { kept: history, written: last })).toEqual(['Backup']);
  });

  it('the statements are lost although one of ours had read them, which then wrote nothing', () => {
    const kept: PolicyBackup[] = [
      edit(0, edited),
      { ...write(5_000, edited), overwritten: false },
      write(20_000, before),
    ];
    expect(lostStatements(parsed(after), { kept, written: written(20_500, after) })).toEqual(['Backup']);
  });

  it('nothing is lost by one of ours that wrote nothing', () => {
    const kept: PolicyBackup[] = [{ ...write(0, before), overwritten: false }, edit(1_000, edited)];
    expect(lostStatements(parsed(before), { kept, written: undefined })).toEqual([]);
  });

  it('the statements are lost that were written after others, which hold', () => {
    const more: Parts = { roles: ['a'], foreign: [...(edited.foreign ?? []), statement('New')] };
    const kept = [edit(0, edited), write(5_000, edited), edit(10_000, more)];
    const inForce = parsed({ ...after, foreign: edited.foreign ?? [] });
    expect(lostStatements(inForce, { kept, written: written(12_000, after) })).toEqual(['New']);
  });

  it.each<[string, Parts, PolicyBackup[], Written | undefined]>([
    ['nothing was kept', after, [], written(0, after)],
    ['nobody else wrote', before, [write(0, before)], written(500, after)],
    ['none of ours wrote', edited, [edit(0, edited)], undefined],
    ['one of ours wrote long before', before, [write(0, before), edit(40_000, edited)], written(1_000, after)],
    ['one of ours was done before', before, [write(0, before), edit(2_000, edited)], written(1_900, after)],
    [
      'one of ours had read it',
      { ...after, foreign: edited.foreign ?? [] },
      [edit(0, edited), write(900, edited)],
      written(1_000, after),
    ],
    [
      'it was restored, and changed by one of ours since',
      after,
      [edit(0, edited), write(900, edited), write(9_000, after)],
      written(9_100, after),
    ],
    [
      'the policy in force is what somebody else wrote, who is not told of yet',
      { foreign: [statement('New')] },
      [write(0, before), edit(1_000, edited)],
      written(2_000, after),
    ],
    [
      'one of ours can only have written before it, though nobody knows when',
      before,
      [write(0, before), edit(31_000, edited)],
      undefined,
    ],
    [
      'one of ours had read what was written in the same second',
      edited,
      [{ ...edit(0, edited), id: 'earlier' }, edit(0, before), write(900, edited)],
      written(1_000, edited),
    ],
    ['it changed our statements alone', after, [write(0, before), edit(1_000, before)], written(2_000, after)],
    [
      'another was written by hand later, and holds',
      { ...after, foreign: [statement('Owner'), statement('New')] },
      [write(0, before), edit(1_000, edited), edit(3_000, { foreign: [statement('Owner'), statement('New')] })],
      written(2_000, after),
    ],
    [
      'another was written by hand in the same second, and holds',
      edited,
      [write(0, before), edit(1_000, edited), { ...edit(1_000, before), id: 'later' }],
      written(2_000, after),
    ],
  ])('nothing is lost when %s', (_, inForce, history, last) => {
    expect(lostStatements(parsed(inForce), { kept: history, written: last })).toEqual([]);
  });

  it('what was lost is reported by Sid or place: missing, different and back', () => {
    const old: Parts = { foreign: [statement('Changed'), statement('Removed'), statement(''), statement('Same')] };
    const changed: Parts = {
      foreign: [
        statement('Changed', 'kms:Encrypt'),
        statement('Added'),
        statement('', 'kms:Encrypt'),
        statement('Same'),
      ],
    };
    const history = { kept: [write(0, old), edit(1_000, changed)], written: written(2_000, old) };
    expect(lostStatements(parsed(old), history)).toEqual([
      'Changed',
      'Added',
      'Statement[3]',
      'Removed',
      'Statement[3] in force',
    ]);
  });

  it('the whole is lost when it changed a statement of ours', () => {
    const { Statement, ...rest } = policyOf(before);
    const broken = { ...rest, Statement: Statement.map((each) => ({ ...each, Action: 'kms:*' })) };
    const history = {
      kept: [write(0, before), { ...kept(1_000, broken), eventId: 'event' }],
      written: written(2_000, after),
    };
    expect(lostStatements(parsed(after), history)).toEqual(['the whole policy']);
  });
});

describe('a policy that KMS returns', () => {
  it.each<[string, Parts | undefined, PolicyBackup[], Written | undefined, number]>([
    ['nobody is known to have written', after, [], undefined, 0],
    [
      'has our statements as we wrote them just now',
      { ...after, foreign: [] },
      [write(0, before)],
      written(100, after),
      200,
    ],
    ['was written by hand just now', edited, [edit(0, edited)], undefined, 5_000],
    [
      'was written by hand within the second of our write',
      edited,
      [write(0, before), edit(0, edited)],
      written(800, after),
      5_000,
    ],
    [
      'was written by us within the second of an edit',
      after,
      [edit(0, edited), write(300, before)],
      written(800, after),
      5_000,
    ],
    [
      'is not understood, as what was written by hand',
      undefined,
      [{ ...kept(0, {}), eventId: 'event' }],
      undefined,
      5_000,
    ],
    ['may be anything a minute after our write', edited, [write(0, before)], written(100, after), 60_100],
    ['may be anything a minute after an edit', before, [edit(0, edited)], undefined, 61_000],
    ['may be anything long after a writer of ours died', before, [write(0, before)], undefined, 90_001],
  ])('is taken for the last one when it %s', (_, policy, history, last, now) => {
    expect(isUpToDate(policy && parsed(policy), { kept: history, written: last }, noon + now)).toBe(true);
  });

  it.each<[string, Parts | undefined, PolicyBackup[], Written | undefined, number]>([
    ['lacks what we wrote just now', before, [write(0, before)], written(100, after), 60_099],
    ['lacks what was written by hand just now', before, [edit(0, edited)], undefined, 60_999],
    [
      'lacks what was written by hand after us',
      after,
      [write(0, before), edit(5_000, edited)],
      written(100, after),
      9_000,
    ],
    [
      'is what was written by hand before us',
      edited,
      [edit(0, edited), write(4_000, edited)],
      written(5_000, after),
      9_000,
    ],
    ['is not understood though we wrote it just now', undefined, [write(0, before)], written(100, after), 9_000],
    ['is not understood though what was written by hand is', undefined, [edit(0, edited)], undefined, 9_000],
    ['comes soon after a writer of ours died', after, [write(0, before)], undefined, 89_999],
  ])('is not taken for the last one when it %s', (_, policy, history, last, now) => {
    expect(isUpToDate(policy && parsed(policy), { kept: history, written: last }, noon + now)).toBe(false);
  });
});
