import { describe, expect, it } from 'vitest';
import {
  alarmsIn,
  parseAlarmRule,
  ruleHolds,
  type StateValue,
} from '../../../../../sandbox/services/cloudwatch/alarm-rule.ts';

const states: Readonly<Record<string, StateValue>> = { on: 'ALARM', off: 'OK', 'no data': 'INSUFFICIENT_DATA' };
const holds = (rule: string) => ruleHolds(parseAlarmRule(rule), (name) => states[name]);

describe('the rule of a composite alarm', () => {
  it.each([
    ['ALARM(on)', true],
    ['ALARM("on")', true],
    ['ALARM(off)', false],
    ['OK(off)', true],
    ['INSUFFICIENT_DATA("no data")', true],
    ['ALARM(gone)', false],
    ['TRUE', true],
    ['FALSE', false],
    ['NOT ALARM(off)', true],
    ['ALARM(on) AND ALARM(off)', false],
    ['ALARM(on) OR ALARM(off)', true],
    ['ALARM(on) AND NOT ALARM(off)', true],
    ['(ALARM(on) OR ALARM(off)) AND OK(off)', true],
    // AND before OR, and NOT before both.
    ['TRUE OR TRUE AND FALSE', true],
    ['(TRUE OR TRUE) AND FALSE', false],
    ['NOT FALSE AND FALSE', false],
    ['NOT (FALSE AND FALSE)', true],
    ['\n  ALARM(on)\n  OR\n  ALARM( off )  ', true],
  ])('%s is %s', (rule, expected) => {
    expect(holds(rule)).toBe(expected);
  });

  it.each([
    '',
    'on',
    'ALARM()',
    'ALARM(on',
    'ALARM(on) ALARM(off)',
    'ALARM(on) AND',
    'AND ALARM(on)',
    '(ALARM(on)',
    'alarm(on)',
    'ALARM(on) XOR TRUE',
  ])('%s is refused', (rule) => {
    expect(() => parseAlarmRule(rule)).toThrow('AlarmRule is not valid');
  });

  it('names each alarm once, and no more than a hundred', () => {
    expect(alarmsIn(parseAlarmRule('ALARM(on) AND (OK(off) OR NOT ALARM(on))'))).toEqual(['on', 'off']);
    const rule = (count: number) => Array.from({ length: count }, (_, place) => `ALARM(a${place})`).join(' OR ');
    expect(alarmsIn(parseAlarmRule(rule(100)))).toHaveLength(100);
    expect(() => parseAlarmRule(rule(101))).toThrow('100 alarms at most');
  });
});
