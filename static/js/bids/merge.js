// Two colleagues type into one draft. What only one of them changed is taken as he wrote it; what both changed stays as
// typed here and is named, with what the other wrote. `base`: what both began with.
const isBlank = (value) => value === null || value === undefined || value === "";
const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isRows = (value) => Array.isArray(value) && value.every(isRecord);

function same(one, other) {
  if (isBlank(one) || isBlank(other)) return isBlank(one) && isBlank(other);
  if (typeof one !== "object" || typeof other !== "object") return one === other;
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Array.isArray(one) === Array.isArray(other) && [...keys].every((key) => same(one[key], other[key]));
}

// Rows are compared one by one only while nobody added or took one away.
const comparable = (all) => all.every(isRecord) || (all.every(isRows) && new Set(all.map(({ length }) => length)).size === 1);

// {value, both: [{path, theirs}]}; a path as findings have it: technical.team.0.post
export function merge(base, mine, theirs, path = "") {
  if (same(mine, theirs) || same(base, theirs)) return { value: mine, both: [] };
  if (same(base, mine)) return { value: theirs, both: [] };
  if (!comparable([base, mine, theirs])) return { value: mine, both: [{ path, theirs }] };
  const value = Array.isArray(mine) ? [] : {};
  const both = [];
  for (const key of Object.keys(mine)) {
    const part = merge(base[key], mine[key], theirs[key], path ? `${path}.${key}` : key);
    value[key] = part.value;
    both.push(...part.both);
  }
  return { value, both };
}
