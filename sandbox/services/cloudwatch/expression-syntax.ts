/** A metric math expression, as it is written. */
export type Expression =
  | { kind: 'number'; value: number }
  | { kind: 'text'; value: string }
  | { kind: 'name'; name: string }
  | { kind: 'list'; items: readonly Expression[] }
  | { kind: 'call'; name: string; arguments: readonly Expression[] }
  | { kind: 'minus'; operand: Expression }
  | { kind: 'operation'; operator: Operator; left: Expression; right: Expression };

/** What binds more strongly stands further below (CloudWatch user guide, "Using metric math", does not say it: the usual order). */
const levels = [
  ['OR', '||'],
  ['AND', '&&'],
  ['==', '!=', '<=', '>=', '<', '>'],
  ['+', '-'],
  ['*', '/'],
] as const;

export type Operator = (typeof levels)[number][number] | '^';

interface Token {
  kind: 'number' | 'text' | 'name' | 'sign';
  text: string;
}

const tokenForms = /\s*(?:(\d+(?:\.\d+)?)|"([^"]*)"|([A-Za-z]\w*)|(\|\||&&|==|!=|<=|>=|[-+*/^<>()[\],]))/y;

/**
 * Reads a metric math expression (CloudWatch user guide, "Using metric math").
 * @throws Error saying what is wrong with it
 */
export function parseExpression(source: string): Expression {
  const tokens = tokensOf(source);
  let place = 0;
  const next = () => tokens[place];
  const isNext = (...texts: readonly string[]) => {
    const token = next();
    return token !== undefined && token.kind !== 'text' && texts.includes(token.text);
  };
  const wrong = (): Error => new Error(`Invalid metrics expression: unexpected ${next()?.text ?? 'end'} in ${source}`);

  function take(text: string): void {
    if (!isNext(text)) throw wrong();
    place += 1;
  }

  function listUntil(end: string): Expression[] {
    const items: Expression[] = [];
    if (!isNext(end)) {
      items.push(operation(0));
      while (isNext(',')) {
        place += 1;
        items.push(operation(0));
      }
    }
    take(end);
    return items;
  }

  function operand(): Expression {
    const token = next();
    if (token === undefined) throw wrong();
    place += 1;
    switch (token.kind) {
      case 'number':
        return { kind: 'number', value: Number(token.text) };
      case 'text':
        return { kind: 'text', value: token.text };
      case 'name': {
        if (!isNext('(')) return { kind: 'name', name: token.text };
        place += 1;
        return { kind: 'call', name: token.text, arguments: listUntil(')') };
      }
      case 'sign': {
        if (token.text === '-') return { kind: 'minus', operand: power() };
        if (token.text === '[') return { kind: 'list', items: listUntil(']') };
        if (token.text === '(') {
          const inner = operation(0);
          take(')');
          return inner;
        }
        place -= 1;
        throw wrong();
      }
    }
  }

  function power(): Expression {
    const left = operand();
    if (!isNext('^')) return left;
    place += 1;
    return { kind: 'operation', operator: '^', left, right: power() };
  }

  function operation(level: number): Expression {
    const operators = levels[level];
    if (operators === undefined) return power();
    let left = operation(level + 1);
    for (;;) {
      const operator = operators.find((each) => isNext(each));
      if (operator === undefined) return left;
      place += 1;
      left = { kind: 'operation', operator, left, right: operation(level + 1) };
    }
  }

  const expression = operation(0);
  if (next() !== undefined) throw wrong();
  return expression;
}

function tokensOf(source: string): Token[] {
  const text = source.trimEnd();
  const tokens: Token[] = [];
  tokenForms.lastIndex = 0;
  while (tokenForms.lastIndex < text.length) {
    const from = tokenForms.lastIndex;
    const [, number, quoted, name, sign] = tokenForms.exec(text) ?? [];
    if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (quoted !== undefined) tokens.push({ kind: 'text', text: quoted });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign });
    else throw new Error(`Invalid metrics expression: unexpected ${text.slice(from).trim().charAt(0)} in ${source}`);
  }
  return tokens;
}
