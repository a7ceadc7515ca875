export const loud = (text) => text.toUpperCase();
export const quiet = (text) => text.toLowerCase();
export const unused = () => "nobody";
