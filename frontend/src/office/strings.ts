// Texts come translated from the page, so that gettext stays the only catalogue.
let cache: Record<string, string> | undefined;

export function text(name: string, values: Record<string, string> = {}): string {
  cache ??= JSON.parse(document.getElementById("mains-strings")?.textContent ?? "{}") as Record<string, string>;
  const template = cache[name];
  if (template === undefined) throw new Error(`The page carries no text named ${name}`);
  return template.replace(/%\((\w+)\)s/g, (_, key: string) => values[key] ?? "");
}
