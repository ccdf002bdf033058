// htmx reads its strict settings from <meta name="htmx-config"> of base.html.
import htmx from "htmx.org";

export default htmx;
