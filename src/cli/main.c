/* How: the map of the program; it wires the layers together. */
#include <stdio.h>

int main(void)
{
	puts("godwit");
	return 0;
}
