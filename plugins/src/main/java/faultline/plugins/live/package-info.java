/**
 * {@code trace --live}: the last lines of the terminal show which mappings fault most, refreshed while the guest runs
 * in the lines above.
 *
 * <p>The guest's output stays on the terminal: the view takes a few lines at the bottom out of the scrolling region,
 * and gives them back at the end.
 */
package faultline.plugins.live;
