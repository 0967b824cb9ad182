/* Ends at once: for the time it takes to start and to end a program. */
int main(void)
{
	return 0;
}
