/** How many values of an element are named, and how much of each: a statement may name hundreds of roles. */
const maxValues = 3;
const maxLength = 100;

/** In what a policy's statement differs from how it is to be, element by element, for people. */
export function statementDifferences(statement: object, expected: object): string[] {
  const [is, ought] = [elementsOf(statement), elementsOf(expected)];
  return [...new Set([...ought.keys(), ...is.keys()])].flatMap((element) => {
    const [values, wanted] = [is.get(element), ought.get(element)];
    if (values === undefined) return [`${element} is missing`];
    if (wanted === undefined) return [`${element} should not be there`];
    const lacking = wanted.filter((value) => !values.includes(value));
    const extra = values.filter((value) => !wanted.includes(value));
    if (lacking.length === 0) return extra.length === 0 ? [] : [`${element} should not have ${list(extra)}`];
    return [
      extra.length === 0
        ? `${element} lacks ${list(lacking)}`
        : `${element} has ${list(extra)} in place of ${list(lacking)}`,
    ];
  });
}

/** The values of a statement, as JSON, by the names that lead to them. */
function elementsOf(statement: object): Map<string, string[]> {
  const elements = new Map<string, string[]>();
  const visit = (names: readonly string[], value: unknown): void => {
    const members = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
    for (const [name, member] of members) visit([...names, name], member);
    if (members.length === 0)
      elements.set(
        names.join('.'),
        [value].flat().map((one) => JSON.stringify(one)),
      );
  };
  for (const [name, value] of Object.entries(statement)) {
    // IAM user guide, "AWS JSON policy elements: Principal": the same as {"AWS": "*"}.
    visit([name], name === 'Principal' && typeof value === 'string' ? { AWS: value } : value);
  }
  return elements;
}

function list(values: readonly string[]): string {
  const named = values
    .slice(0, maxValues)
    .map((value) => (value.length > maxLength ? `${value.slice(0, maxLength)}…` : value));
  const more = values.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
