// This is made for browsers.
const place = document.location;

export default place;
