/** What `Ref` and `Fn::GetAtt` find of a resource: the physical id is what `Ref` gives. */
export interface ResourceValues {
  physicalId: string;
  attributes: Readonly<Record<string, string>>;
}

/** Everything that a template's functions can refer to. */
export interface Scope {
  pseudoParameters: Readonly<Record<string, string>>;
  /** Of a list its values. */
  parameters: Readonly<Record<string, string | readonly string[]>>;
  conditions: Readonly<Record<string, boolean>>;
  /** The resources that exist so far, by logical id. */
  resources: ReadonlyMap<string, ResourceValues>;
  /** What stacks export, by name; without it nothing can be imported. */
  exports?: ReadonlyMap<string, { value: string }>;
}

/** `Fn::GetAtt` of what its resource has not. */
export class UnknownAttribute extends Error {
  readonly logicalId: string;
  readonly attribute: string;

  constructor(logicalId: string, attribute: string) {
    super(`Template error: resource ${logicalId} does not support attribute type ${attribute} in Fn::GetAtt`);
    this.logicalId = logicalId;
    this.attribute = attribute;
  }
}

/** The pseudo parameters of a stack, without `AWS::NoValue`, which removes what it is the value of. */
export function pseudoParameters(stack: {
  accountId: string;
  region: string;
  stackName: string;
  stackId: string;
}): Record<string, string> {
  return {
    'AWS::AccountId': stack.accountId,
    'AWS::Region': stack.region,
    'AWS::Partition': 'aws',
    'AWS::StackName': stack.stackName,
    'AWS::StackId': stack.stackId,
    'AWS::URLSuffix': 'amazonaws.com',
  };
}

/** The intrinsic function that a value calls: the only key of an object, `Ref` or beginning with `Fn::`. */
export function functionCall(value: unknown): { name: string; argument: unknown } | undefined {
  if (!isRecord(value)) return undefined;
  const [entry, ...others] = Object.entries(value);
  if (entry === undefined || others.length > 0) return undefined;
  const [name, argument] = entry;
  return name === 'Ref' || name.startsWith('Fn::') ? { name, argument } : undefined;
}

/**
 * The value with its intrinsic functions replaced; undefined for `AWS::NoValue`, which also drops members and elements.
 * @throws Error naming an unknown function, or what a function refers to in vain
 */
export function evaluate(value: unknown, scope: Scope): unknown {
  const call = functionCall(value);
  if (call !== undefined) return evaluateCall(call.name, call.argument, scope);
  if (Array.isArray(value)) return value.map((item) => evaluate(item, scope)).filter((item) => item !== undefined);
  if (!isRecord(value)) return value;
  const members = Object.entries(value).map(([name, member]) => [name, evaluate(member, scope)] as const);
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

function evaluateCall(name: string, argument: unknown, scope: Scope): unknown {
  switch (name) {
    case 'Ref':
      return ref(text(argument, name), scope);
    case 'Fn::GetAtt':
      return getAtt(attributeName(argument), scope);
    case 'Fn::Sub':
      return substitute(argument, scope);
    case 'Fn::Join': {
      const [separator, items] = list(argument, name, 2);
      const values = list(evaluate(items, scope), name).map((item) => text(item, name));
      return values.join(text(separator, name));
    }
    case 'Fn::If': {
      const [condition, whenTrue, whenFalse] = list(argument, name, 3);
      return evaluate(conditionValue(text(condition, name), scope.conditions) ? whenTrue : whenFalse, scope);
    }
    case 'Fn::ImportValue': {
      const exported = text(evaluate(argument, scope), name);
      const found = scope.exports?.get(exported);
      if (found === undefined) throw new Error(`No export named ${exported} found.`);
      return found.value;
    }
    default:
      throw new Error(`Template error: function ${name} is not known here`);
  }
}

function ref(name: string, { parameters, pseudoParameters, resources }: Scope): string | readonly string[] | undefined {
  if (name === 'AWS::NoValue') return undefined;
  const found = own(parameters, name) ?? own(pseudoParameters, name) ?? resources.get(name)?.physicalId;
  if (found === undefined) throw new Error(`Template error: Ref refers to ${name}, which is unknown`);
  return found;
}

function getAtt({ logicalId, attribute }: AttributeName, { resources }: Scope): string {
  const resource = resources.get(logicalId);
  if (resource === undefined) {
    throw new Error(`Template error: instance of Fn::GetAtt references undefined resource ${logicalId}`);
  }
  const found = own(resource.attributes, attribute);
  if (found !== undefined) return found;
  throw new UnknownAttribute(logicalId, attribute);
}

function substitute(argument: unknown, scope: Scope): string {
  const { template, variables } = subParts(argument);
  return template.replace(placeholders, (_match, name: string) => {
    if (name.startsWith('!')) return `\${${name.slice(1)}}`;
    if (Object.hasOwn(variables, name)) return text(evaluate(variables[name], scope), 'Fn::Sub');
    return name.includes('.') ? getAtt(attributeName(name), scope) : text(ref(name, scope), 'Fn::Sub');
  });
}

const placeholders = /\$\{([^}]+)\}/g;

/** Both forms of `Fn::Sub`: the text, and the variables that it brings along. */
function subParts(argument: unknown): { template: string; variables: Readonly<Record<string, unknown>> } {
  if (typeof argument === 'string') return { template: argument, variables: {} };
  const [template, variables] = list(argument, 'Fn::Sub', 2);
  if (!isRecord(variables)) throw new Error('Template error: the second element of Fn::Sub must be a map');
  return { template: text(template, 'Fn::Sub'), variables };
}

/** The names that a `Fn::Sub` text refers to and does not bring along: `Name` or `Name.Attribute`. */
export function subReferences(argument: unknown): string[] {
  const { template, variables } = subParts(argument);
  const names = [...template.matchAll(placeholders)].map(([, name = '']) => name);
  return names.filter((name) => !name.startsWith('!') && !Object.hasOwn(variables, name));
}

export interface AttributeName {
  logicalId: string;
  attribute: string;
}

/** Both forms of `Fn::GetAtt`: `Id.Attribute` and `[Id, Attribute]`; the attribute itself may hold dots. */
export function attributeName(argument: unknown): AttributeName {
  const [logicalId, ...attribute] = typeof argument === 'string' ? argument.split('.') : list(argument, 'Fn::GetAtt');
  if (attribute.length === 0) throw new Error('Template error: Fn::GetAtt needs a logical id and an attribute');
  const parts = attribute.map((part) => text(part, 'Fn::GetAtt'));
  return { logicalId: text(logicalId, 'Fn::GetAtt'), attribute: parts.join('.') };
}

/**
 * The template's conditions for these parameters.
 * @throws Error naming an unknown function or condition, or conditions that refer to each other in a circle
 */
export function evaluateConditions(
  { Conditions }: { Conditions: Readonly<Record<string, unknown>> },
  scope: Pick<Scope, 'parameters' | 'pseudoParameters'>,
): Record<string, boolean> {
  const values: Record<string, boolean> = {};
  const underWay = new Set<string>();
  const valueScope = { ...scope, conditions: values, resources: new Map() };

  function named(name: string): boolean {
    const known = own(values, name);
    if (known !== undefined) return known;
    const definition = own(Conditions, name);
    if (definition === undefined) throw unresolvedCondition(name);
    if (underWay.has(name)) throw new Error(`Circular dependency between conditions: [${[...underWay].join(', ')}]`);
    underWay.add(name);
    const value = holds(definition);
    underWay.delete(name);
    values[name] = value;
    return value;
  }

  function holds(expression: unknown): boolean {
    const [name = '', argument] = isRecord(expression) ? (Object.entries(expression)[0] ?? []) : [];
    switch (name) {
      case 'Condition':
        return named(text(argument, name));
      case 'Fn::Equals': {
        const [left, right] = list(argument, name, 2).map((side) => text(evaluate(side, valueScope), name));
        return left === right;
      }
      case 'Fn::And':
        return list(argument, name).map(holds).every(Boolean);
      case 'Fn::Or':
        return list(argument, name).map(holds).some(Boolean);
      case 'Fn::Not':
        return !list(argument, name, 1).map(holds)[0];
      default:
        throw new Error(`Template error: condition function ${name} is not known here`);
    }
  }

  for (const name of Object.keys(Conditions)) named(name);
  return values;
}

/**
 * Whether a resource or output with this condition exists.
 * @throws Error naming an unknown condition
 */
export function conditionValue(name: string | undefined, conditions: Readonly<Record<string, boolean>>): boolean {
  if (name === undefined) return true;
  const value = own(conditions, name);
  if (value === undefined) throw unresolvedCondition(name);
  return value;
}

const unresolvedCondition = (name: string) =>
  new Error(`Template format error: Unresolved condition dependency ${name} in the template`);

function text(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error(`Template error: ${name} needs a string, not ${JSON.stringify(value)}`);
}

function list(value: unknown, name: string, length?: number): unknown[] {
  if (Array.isArray(value) && (length === undefined || value.length === length)) return value;
  throw new Error(`Template error: ${name} needs a list${length === undefined ? '' : ` of ${length}`}`);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Template names are free text: `constructor` must not find what objects inherit. */
function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
