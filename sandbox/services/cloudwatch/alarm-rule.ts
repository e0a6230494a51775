export type StateValue = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

/** The rule of a composite alarm, as it is written. */
export type AlarmRule =
  | { kind: 'constant'; holds: boolean }
  | { kind: 'state'; state: StateValue; alarm: string }
  | { kind: 'not'; rule: AlarmRule }
  | { kind: 'and' | 'or'; left: AlarmRule; right: AlarmRule };

const tokenForms =
  /\s*(?:(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]*)"|([^\s()"]+))\s*\)|(AND|OR|NOT|TRUE|FALSE)\b|([()]))/y;

/** How many alarms, constants and pairs of parentheses a rule may have, and how many alarms (API reference, PutCompositeAlarm). */
const most = { elements: 500, alarms: 100 };

/**
 * Reads a composite alarm's rule (CloudWatch API reference, PutCompositeAlarm). NOT binds more strongly than AND, and that more than OR.
 * @throws Error saying what is wrong with it
 */
export function parseAlarmRule(source: string): AlarmRule {
  const tokens = tokensOf(source);
  let place = 0;
  const wrong = () => new Error(`AlarmRule is not valid: ${source}`);
  const isNext = (text: string) => tokens[place] === text;

  function operand(): AlarmRule {
    const token = tokens[place];
    place += 1;
    if (token === undefined) throw wrong();
    if (typeof token === 'object') return token;
    if (token === 'TRUE' || token === 'FALSE') return { kind: 'constant', holds: token === 'TRUE' };
    if (token === 'NOT') return { kind: 'not', rule: operand() };
    if (token !== '(') throw wrong();
    const rule = either();
    if (!isNext(')')) throw wrong();
    place += 1;
    return rule;
  }

  function joined(kind: 'and' | 'or', word: string, next: () => AlarmRule): AlarmRule {
    let left = next();
    while (isNext(word)) {
      place += 1;
      left = { kind, left, right: next() };
    }
    return left;
  }

  const both = () => joined('and', 'AND', operand);
  const either = (): AlarmRule => joined('or', 'OR', both);
  const rule = either();
  if (place < tokens.length) throw wrong();
  const elements = tokens.filter((token) => typeof token === 'object' || ['(', 'TRUE', 'FALSE'].includes(token)).length;
  if (elements > most.elements || alarmsIn(rule).length > most.alarms) {
    throw new Error(`AlarmRule may have ${most.elements} elements and ${most.alarms} alarms at most`);
  }
  return rule;
}

function tokensOf(source: string): (string | Extract<AlarmRule, { kind: 'state' }>)[] {
  const text = source.trimEnd();
  const tokens: (string | Extract<AlarmRule, { kind: 'state' }>)[] = [];
  tokenForms.lastIndex = 0;
  while (tokenForms.lastIndex < text.length) {
    const [, state, quoted, bare, word, sign] = tokenForms.exec(text) ?? [];
    if (state === 'ALARM' || state === 'OK' || state === 'INSUFFICIENT_DATA') {
      tokens.push({ kind: 'state', state, alarm: quoted ?? bare ?? '' });
      continue;
    }
    const token = word ?? sign;
    if (token === undefined) throw new Error(`AlarmRule is not valid: ${source}`);
    tokens.push(token);
  }
  return tokens;
}

/** The names or ARNs of the alarms that a rule reads, each once. */
export function alarmsIn(rule: AlarmRule): string[] {
  switch (rule.kind) {
    case 'constant':
      return [];
    case 'state':
      return [rule.alarm];
    case 'not':
      return alarmsIn(rule.rule);
    case 'and':
    case 'or':
      return [...new Set([...alarmsIn(rule.left), ...alarmsIn(rule.right)])];
  }
}

/** Whether a rule holds, as the alarms are. */
export function ruleHolds(rule: AlarmRule, stateOf: (alarm: string) => StateValue | undefined): boolean {
  switch (rule.kind) {
    case 'constant':
      return rule.holds;
    case 'state':
      return stateOf(rule.alarm) === rule.state;
    case 'not':
      return !ruleHolds(rule.rule, stateOf);
    case 'and':
      return ruleHolds(rule.left, stateOf) && ruleHolds(rule.right, stateOf);
    case 'or':
      return ruleHolds(rule.left, stateOf) || ruleHolds(rule.right, stateOf);
  }
}
