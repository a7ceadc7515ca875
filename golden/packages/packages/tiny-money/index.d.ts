export function format(cents: number): string;
export function parse(text: string): string;
